import assert from "node:assert/strict";
import { run } from "@stricli/core";
import { application } from "../../runtime/cli/application.ts";

const document = await Deno.readTextFile(
  new URL("../../docs/command-line.md", import.meta.url),
);

/** The sections of the document by their command. */
const sections = new Map(
  document.split("\n## ").slice(1).map((text) => {
    const [command = "", ...rest] = text.split("\n");
    return [command, rest.join("\n")];
  }),
);

/** The flags that a text names, but for those that every command has. */
function flagsIn(text: string): Set<string> {
  const found = text.matchAll(/(?<![\w-])--[a-z][a-z-]+/g).map(([flag]) =>
    flag
  );
  return new Set(found).difference(
    new Set(["--help", "--version", "--run-dir"]),
  );
}

/** What a command says with `--help`. */
async function helpOf(command: string): Promise<string> {
  let text = "";
  const stream = { write: (part: string) => void (text += part) };
  await run(application, [...command.split(" ").slice(1), "--help"], {
    process: { stdout: stream, stderr: stream, env: {}, exitCode: null },
    writeBytes: () => {},
    interrupted: () => new AbortController().signal,
    confirm: () => false,
    readInput: () => Promise.resolve(""),
  });
  return text;
}

/** Every command, as `hamlet --help` has them: `hamlet kv get|put ...` stands for two. */
const commands = (await helpOf("hamlet")).matchAll(
  /^ {2}(hamlet [a-z]+)(?: ([a-z|]+) \.\.\.)?/gm,
).flatMap(([, command = "", parts]) =>
  parts?.split("|").map((part) => `${command} ${part}`) ?? [command]
).toArray();

Deno.test("docs/command-line.md has every command, and no other", () => {
  assert.deepEqual(
    [...sections.keys()].sort(),
    commands.toSorted(),
  );
});

for (const command of commands) {
  Deno.test(`docs/command-line.md has every flag of ${command}, and no other`, async () => {
    const section = sections.get(command) ?? "";
    const help = await helpOf(command);
    // Before that, an example may have the flags of another command.
    const known = flagsIn(help.slice(help.indexOf("\nFLAGS")));
    assert.deepEqual([...flagsIn(section)].sort(), [...known].sort());
    assert.match(section, new RegExp(`\\$[ (]${command}`));
  });
}
