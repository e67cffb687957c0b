import assert from "node:assert/strict";
import { createOutput } from "../../../runtime/log/output.ts";

Deno.test("write() keeps the order through partial writes", async () => {
  let written = "";
  const output = createOutput({
    write(bytes) {
      written += new TextDecoder().decode(bytes.subarray(0, 3));
      return Promise.resolve(Math.min(3, bytes.length));
    },
  });
  for (let i = 0; i < 10; i++) output.write(`line ${i}\n`);
  await output.flush();
  assert.equal(
    written,
    Array.from({ length: 10 }, (_, i) => `line ${i}\n`).join(""),
  );
});

Deno.test("write() drops what a stopped reader leaves no room for, and says how much", async () => {
  const first = Promise.withResolvers<number>();
  const chunks: string[] = [];
  const output = createOutput({
    write(bytes) {
      chunks.push(new TextDecoder().decode(bytes));
      return chunks.length === 1
        ? first.promise
        : Promise.resolve(bytes.length);
    },
  }, 20);
  output.write("first\n");
  for (let i = 0; i < 10; i++) output.write("0123456789\n");
  assert.deepEqual(chunks, ["first\n"]);
  first.resolve(6);
  await output.flush();
  assert.deepEqual(chunks, ["first\n", "0123456789\n… 9 lines dropped\n"]);
});

Deno.test("write() survives a reader that is gone", async () => {
  let tries = 0;
  const output = createOutput({
    write() {
      tries++;
      return Promise.reject(new Deno.errors.BrokenPipe());
    },
  });
  output.write("a\n");
  await output.flush();
  output.write("b\n");
  await output.flush();
  assert.equal(tries, 2);
});

Deno.test("write() loses nothing that comes just as it is done", async () => {
  for (let turns = 0; turns < 8; turns++) {
    const first = Promise.withResolvers<number>();
    const chunks: string[] = [];
    const output = createOutput({
      write(bytes) {
        chunks.push(new TextDecoder().decode(bytes));
        return chunks.length === 1
          ? first.promise
          : Promise.resolve(bytes.length);
      },
    });
    output.write("a\n");
    first.resolve(2);
    for (let turn = 0; turn < turns; turn++) await Promise.resolve();
    output.write("b\n");
    await output.flush();
    assert.deepEqual(chunks, ["a\n", "b\n"], `after ${turns} turns`);
  }
});
