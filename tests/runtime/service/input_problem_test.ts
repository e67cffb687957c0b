import assert from "node:assert/strict";
import { z } from "zod";
import { inputProblem } from "../../../runtime/service/input_problem.ts";
import { kv } from "../../../runtime/services/kv.ts";

function problemOf(schema: z.ZodType, value: unknown): string {
  const { error } = schema.safeParse(value);
  assert.ok(error !== undefined, "There is no problem");
  return inputProblem(error);
}

Deno.test("inputProblem() says each problem with its place", () => {
  const schema = z.strictObject({ a: z.string(), b: z.array(z.int("No")) });
  assert.equal(
    problemOf(schema, { a: "", b: [1, "x", 1.5] }),
    "b.1: No; b.2: No",
  );
  assert.equal(problemOf(z.int("No number"), ""), "No number");
});

Deno.test("inputProblem() says what is wrong in the form that an input was most likely to be in", () => {
  const long = "k".repeat(4097);
  for (
    const [name, input] of [["range", { key: long }], ["put", {
      key: long,
      value: new Uint8Array(),
    }]] as const
  ) {
    assert.equal(
      problemOf(kv.methods[name].input, input),
      "key: A key has at most 4096 characters",
    );
  }
  assert.equal(
    problemOf(kv.methods.txn.input, { success: [{ delete: { prefix: "" } }] }),
    "success.0.delete.prefix: A key cannot be empty",
  );
});
