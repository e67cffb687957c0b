import assert from "node:assert/strict";
import { ServiceError } from "../../../mod.ts";
import { pack } from "../../../runtime/broker/pack.ts";

const LIMIT = 10_000;

Deno.test("pack() returns plain data as it is, without copying", () => {
  const value = {
    text: "a",
    list: [1, 2n, null, undefined, true, { deep: {} }],
    bytes: new Uint8Array(3),
    bare: Object.assign(Object.create(null), { a: 1 }),
  };
  assert.equal(pack(value, LIMIT), value);
});

Deno.test("pack() gives a view a buffer of its own, and leaves the value it was in", () => {
  const memory = new Uint8Array([1, 2, 3, 4]);
  const value = { list: [{ bytes: memory.subarray(1, 3) }], other: [] };
  const packed = pack(value, LIMIT);
  assert.deepEqual(packed, {
    list: [{ bytes: new Uint8Array([2, 3]) }],
    other: [],
  });
  assert.ok(
    typeof packed === "object" && packed !== null && "list" in packed &&
      Array.isArray(packed.list),
  );
  assert.equal(packed.list[0]?.bytes.buffer.byteLength, 2);
  assert.equal(value.list[0]?.bytes.buffer, memory.buffer);
});

Deno.test("pack() copies memory that is shared between threads", () => {
  const shared = new Uint8Array(new SharedArrayBuffer(2));
  const packed = pack(shared, LIMIT);
  assert.ok(packed instanceof Uint8Array);
  assert.ok(packed.buffer instanceof ArrayBuffer);
});

const cyclic: { self?: unknown } = {};
cyclic.self = cyclic;
let nested: unknown = 0;
for (let i = 0; i < 1000; i++) nested = [nested];

for (
  const [what, value, code] of [
    ["a long text", "x".repeat(LIMIT), "resource-exhausted"],
    ["long keys", { ["x".repeat(LIMIT)]: 1 }, "resource-exhausted"],
    ["many bytes", new Uint8Array(LIMIT), "resource-exhausted"],
    [
      "the same bytes over and over",
      Array(20).fill(new Uint8Array(1000)),
      "resource-exhausted",
    ],
    ["many small values", Array(LIMIT).fill(0), "resource-exhausted"],
    [
      "an array that pretends to be long",
      Array(2 ** 32 - 1),
      "resource-exhausted",
    ],
    ["a cycle", cyclic, "invalid-argument"],
    ["deep nesting", nested, "invalid-argument"],
    ["a function", { f() {} }, "invalid-argument"],
    ["a symbol", Symbol(), "invalid-argument"],
    ["a Map", new Map(), "invalid-argument"],
    ["a Date", new Date(), "invalid-argument"],
    ["an ArrayBuffer", new ArrayBuffer(1), "invalid-argument"],
    ["other numbers in memory", new Float64Array(1), "invalid-argument"],
    ["a port", new MessageChannel().port1, "invalid-argument"],
    ["an error", new Error("x"), "invalid-argument"],
    ["an instance", new (class Thing {})(), "invalid-argument"],
    ["a key __proto__", JSON.parse('{"__proto__": {}}'), "invalid-argument"],
  ] as const
) {
  Deno.test(`pack() refuses ${what}`, () => {
    assert.throws(() => pack(value, LIMIT), (error) => {
      assert.ok(error instanceof ServiceError, String(error));
      assert.equal(error.code, code);
      return true;
    });
  });
}
