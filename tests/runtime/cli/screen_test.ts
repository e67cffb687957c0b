import assert from "node:assert/strict";
import { Screen } from "../../../runtime/cli/screen.ts";

/** Does what a terminal does with the sequences a screen uses. */
function terminal() {
  const lines = [""];
  const write = (text: string) => {
    // deno-lint-ignore no-control-regex
    for (const part of text.split(/(\x1b\[\d*[A-Z]|\n)/)) {
      if (part === "\n") lines.push("");
      else if (part.endsWith("F") && part.startsWith("\x1b[")) {
        const up = Number(part.slice(2, -1));
        // The cursor is at the end of what was written, so what is below goes.
        lines.splice(lines.length - 1 - up, up + 1, "");
      } else if (part !== "\x1b[J") lines[lines.length - 1] += part;
    }
  };
  return { lines, write };
}

Deno.test("Screen keeps its block below what is written", () => {
  const { lines, write } = terminal();
  const screen = new Screen(write);
  screen.write("one\n");
  screen.show(["a", "b"]);
  screen.write("two\n");
  screen.show(["c"]);
  screen.write("three\nfour\n");
  assert.deepEqual(lines, ["one", "two", "three", "four", "c", ""]);
  screen.show([]);
  screen.write("five\n");
  assert.deepEqual(lines, ["one", "two", "three", "four", "five", ""]);
});

Deno.test("Screen writes nothing where its block stays as it is", () => {
  let written = 0;
  const screen = new Screen(() => written++);
  screen.show(["a", "b"]);
  screen.show(["a", "b"]);
  assert.equal(written, 1);
});

Deno.test("Screen cuts what could not be erased again", () => {
  const { lines, write } = terminal();
  const screen = new Screen(write, () => ({ columns: 5, rows: 4 }));
  screen.show(["\x1b[32mfive5\x1b[0m", "sixsix", "c"]);
  assert.deepEqual(lines, ["\x1b[32mfive5\x1b[0m", "sixs…", "c", ""]);
  screen.show(["a", "b", "c", "d"]);
  assert.deepEqual(lines, ["a", "b", "… 2 …", ""]);
});
