import assert from "node:assert/strict";
import { consoleSteps, mask } from "./console.ts";

Deno.test("consoleSteps() finds the commands of console blocks alone, with their output", () => {
  const markdown = [
    "```sh",
    "$ not this",
    "```",
    "```console",
    "$ one \\",
    "> two",
    "a",
    "",
    "b",
    "$ three",
    "^C",
    "ended",
    "```",
    "$ nor this",
  ].join("\n");
  assert.deepEqual(consoleSteps(markdown), [
    { line: 5, command: "one \\\ntwo", output: "a\n\nb" },
    { line: 10, command: "three", output: "" },
    { line: 11, command: "^C", output: "ended" },
  ]);
  assert.throws(
    () => consoleSteps("```console\nno command\n```"),
    new SyntaxError("Line 2 is the output of no command"),
  );
});

Deno.test("mask() takes out what differs and nothing else", () => {
  const first =
    "2026-01-02 03:04:05.678 a   b0b1b2b3b4b5b6b7  127.0.0.1:7834  12s ready after 1.3 s";
  const second =
    "1999-12-31 23:59:59.999 a  00112233445566 127.0.0.1:1  2m ready after 10.0 s";
  assert.equal(mask(first), mask(second));
  assert.notEqual(mask("valid"), mask("revoked"));
  assert.notEqual(
    mask("curl: (52) Empty reply"),
    mask('{"etcdserver":"3.4.23"}'),
  );
});
