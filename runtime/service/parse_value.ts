import * as v from "valibot";

/**
 * Parses what somebody outside sent or wrote. For valibot a list is an object too, one with nothing in it that is
 * known: here it is none.
 *
 * @param schema What is wanted.
 * @param value What came.
 */
export function parseValue<S extends v.GenericSchema>(
  schema: S,
  value: unknown,
): v.SafeParseResult<v.GenericSchema<unknown, v.InferOutput<S>>> {
  return Array.isArray(value) && takesObjects(schema)
    ? v.safeParse(noList, value)
    : v.safeParse(schema, value);
}

const noList = v.custom<never>(
  () => false,
  "Invalid type: Expected Object but received Array",
);

function takesObjects(schema: object): boolean {
  if ("wrapped" in schema && typeof schema.wrapped === "object") {
    return schema.wrapped !== null && takesObjects(schema.wrapped);
  }
  return "entries" in schema ||
    "type" in schema && (schema.type === "record" || schema.type === "variant");
}
