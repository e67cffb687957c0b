import assert from "node:assert/strict";
import { tempFolder } from "../../support/temp.ts";
import { hamlet, program } from "./served_node.ts";

Deno.test("hamlet completion bash completes commands, flags and their values", async () => {
  await using folder = await tempFolder();
  const script = (await hamlet(["completion", "bash"])).stdout;
  await Deno.writeTextFile(`${folder.path}/completion`, script);
  // Under its own name, as it is installed.
  const command = JSON.stringify(Deno.execPath());
  await Deno.writeTextFile(
    `${folder.path}/hamlet`,
    `#!/bin/bash\nexec ${command} run --quiet --allow-all --no-remote --config ${
      new URL("../../../deno.json", import.meta.url).pathname
    } ${
      new URL("../../../runtime/cli/main.ts", import.meta.url).pathname
    } "$@"\n`,
    { mode: 0o700 },
  );
  for (
    const [words, expected] of [
      [["ce"], ["cert"]],
      [["cert", ""], ["issue", "list", "revoke"]],
      [["kv", "get", "--pre"], ["--prefix"]],
      [["cert", "issue", "--authority", ""], ["cluster", "peer"]],
      [["run", "--log-level", "w"], ["warning"]],
      [["completion", "f"], ["fish"]],
      [["__"], []],
      [["kv", "get", "/no/such"], []],
    ] as const
  ) {
    const { stdout, stderr } = await new Deno.Command("bash", {
      args: [
        "-c",
        'source "$1/completion"; COMP_WORDS=("$1/hamlet" "${@:2}"); COMP_CWORD=$(($# - 1)); _hamlet; printf "%s\\n" "${COMPREPLY[@]}"',
        "bash",
        folder.path,
        ...words,
      ],
    }).output();
    const decoder = new TextDecoder();
    assert.equal(decoder.decode(stderr), "");
    assert.deepEqual(
      decoder.decode(stdout).split("\n").filter((line) => line !== ""),
      expected,
      words.join(" "),
    );
  }
});

Deno.test("hamlet completion writes a script for every shell", async () => {
  for (const shell of ["bash", "zsh", "fish"]) {
    const { code, stdout } = await program(["completion", shell]).output();
    assert.equal(code, 0);
    assert.match(new TextDecoder().decode(stdout), /__complete --/);
  }
});
