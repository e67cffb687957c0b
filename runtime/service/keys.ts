/**
 * What people write, and what they are told to write instead. Valibot's own objects are also lists, pass over a key such
 * as "constructor", and of several keys that are not known name the first: these answer each of them.
 *
 * @module
 */
import * as v from "valibot";

/** Takes nothing: says what is wrong, each thing at its place. */
type Refusal = v.GenericSchema<never, never>;

const OBJECT = "Write an object, such as {}";

/** What every object of JavaScript has already, so that nothing can stand under such a name. */
export const TAKEN_NAMES: readonly string[] = [
  "__proto__",
  "constructor",
  "prototype",
];

/** Options of {@linkcode Keys}. */
export interface KeysOptions {
  /** What is said of something else. @default 'Write an object, such as {}' */
  readonly instead?: string;
  /** What is said of single keys that are not known. @default which keys are */
  readonly replaced?: ReadonlyMap<string, string>;
}

/**
 * An object of which a wrong key is answered with the right ones, and a missing one with what belongs there.
 *
 * @param entries The schema of each key.
 * @param options See {@linkcode KeysOptions}.
 */
export function Keys<const T extends v.ObjectEntries>(
  entries: T,
  { instead = OBJECT, replaced }: KeysOptions = {},
) {
  const message = ({ path }: v.StrictObjectIssue) => {
    const missing = entries[String(path?.[0]?.key)];
    return missing === undefined ? instead : problemOf(missing) ?? instead;
  };
  const known = v.strictObject(entries, message);
  const advice = `Known keys are ${Object.keys(entries).join(", ")}`;
  return v.lazy((value) => {
    if (Array.isArray(value)) return nothing(instead);
    const unknown = keysOf(value).filter((key) => !Object.hasOwn(entries, key))
      .map((key) => [key, v.never(replaced?.get(key) ?? advice)]);
    return unknown.length === 0
      ? known
      : refusal({ ...entries, ...Object.fromEntries(unknown) }, message);
  });
}

/**
 * An object of anything, by name.
 *
 * @param name The schema of a name.
 * @param value The schema of what stands under it.
 * @param instead What is said of something else.
 */
export function Named<
  K extends v.GenericSchema<string, string>,
  T extends v.GenericSchema,
>(
  name: K,
  value: T,
  instead = OBJECT,
) {
  const record = v.record(name, value, instead);
  return v.lazy((input) => {
    if (Array.isArray(input)) return nothing(instead);
    let fits = true;
    const entries = keysOf(input).map((key) => {
      const problem = TAKEN_NAMES.includes(key)
        ? "Choose another name"
        : problemOf(name, key);
      fits &&= problem === undefined;
      return [key, problem === undefined ? value : v.never(problem)];
    });
    return fits ? record : refusal(Object.fromEntries(entries), instead);
  });
}

/**
 * What `schema` takes, unless it is a list.
 *
 * @param schema The schema of an object.
 * @param instead What is said of a list.
 */
export function NoList<T extends v.GenericSchema>(schema: T, instead = OBJECT) {
  return v.lazy((value) => Array.isArray(value) ? nothing(instead) : schema);
}

/**
 * One of a few words.
 *
 * @param options The words.
 */
export function OneOf<const T extends readonly string[]>(options: T) {
  const quoted = options.map((one) => `"${one}"`);
  return v.picklist(options, `Write one of ${quoted.join(", ")}`);
}

function keysOf(value: unknown): string[] {
  return typeof value === "object" && value !== null ? Object.keys(value) : [];
}

/** What a schema says of a value first, by default of none. */
function problemOf(schema: v.GenericSchema, value?: unknown) {
  return v.safeParse(schema, value).issues?.[0].message;
}

function nothing(message: string): Refusal {
  return v.custom<never>(() => false, message);
}

function refusal(
  entries: v.ObjectEntries,
  message: v.ErrorMessage<v.StrictObjectIssue>,
): Refusal {
  const schema: v.GenericSchema = v.strictObject(entries, message);
  // One of the entries is there and takes nothing.
  return schema as Refusal;
}
