import assert from "node:assert/strict";
import { run } from "../../support/process.ts";
import { tempFolder } from "../../support/temp.ts";
import { hamlet, program } from "./served_node.ts";

/** Puts Hamlet under its own name, as it is installed, into a folder, with a shell's completion for it. */
async function install(folder: string, shell: string): Promise<void> {
  const script = (await hamlet(["completion", shell])).stdout;
  await Deno.writeTextFile(`${folder}/completion`, script);
  const command = JSON.stringify(Deno.execPath());
  await Deno.writeTextFile(
    `${folder}/hamlet`,
    `#!/bin/bash\nexec ${command} run --quiet --allow-all --no-remote --config ${
      new URL("../../../deno.json", import.meta.url).pathname
    } ${
      new URL("../../../runtime/cli/main.ts", import.meta.url).pathname
    } "$@"\n`,
    { mode: 0o700 },
  );
}

/** Whether this machine has a program. */
function has(program: string): boolean {
  const { success } = new Deno.Command("sh", {
    args: ["-c", 'command -v "$1"', "sh", program],
    stdout: "null",
  }).outputSync();
  return success;
}

Deno.test("hamlet completion bash completes commands, flags and their values", async () => {
  await using folder = await tempFolder();
  await install(folder.path, "bash");
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

Deno.test({
  name: "hamlet completion zsh completes what is typed",
  ignore: !has("zsh"),
  async fn() {
    await using folder = await tempFolder();
    await install(folder.path, "zsh");
    // Control-X tells what the line has become, and ends the shell.
    await Deno.writeTextFile(
      `${folder.path}/.zshrc`,
      `path=(${folder.path} $path)
autoload -Uz compinit && compinit -u -D
source ${folder.path}/completion
tell() { print -r -- "$BUFFER" >${folder.path}/line; exit }
zle -N tell && bindkey '^X' tell
PS1='READY'
`,
    );
    for (
      const [typed, expected] of [
        ["hamlet ce", "hamlet cert "],
        ["hamlet cert is", "hamlet cert issue "],
        ["hamlet kv get --pre", "hamlet kv get --prefix "],
        [
          "hamlet cert issue --authority p",
          "hamlet cert issue --authority peer ",
        ],
        ["hamlet kv get /no/such", "hamlet kv get /no/such"],
      ] as const
    ) {
      await run("zsh", [
        "-fc",
        `zmodload zsh/zpty
zpty terminal zsh -di
zpty -r terminal shown '*READY*'
zpty -wn terminal "$1"$'\\t\\x18'
while zpty -r terminal shown; do :; done`,
        "zsh",
        typed,
      ], { env: { ZDOTDIR: folder.path, TERM: "xterm" } });
      assert.equal(
        await Deno.readTextFile(`${folder.path}/line`),
        `${expected}\n`,
      );
    }
  },
});

Deno.test({
  name: "hamlet completion fish completes what is typed",
  ignore: !has("fish"),
  async fn() {
    await using folder = await tempFolder();
    await install(folder.path, "fish");
    for (
      const [typed, expected] of [
        ["hamlet ce", ["cert"]],
        ["hamlet cert ", ["issue", "list", "revoke"]],
        ["hamlet kv get --pre", ["--prefix"]],
        ["hamlet cert issue --authority ", ["cluster", "peer"]],
        // Where there is nothing to propose, files.
        ["hamlet kv get comp", ["completion"]],
      ] as const
    ) {
      const { stdout } = await run("fish", [
        "--no-config",
        "-c",
        "set PATH $argv[1] $PATH; source $argv[1]/completion; complete --do-complete $argv[2]",
        folder.path,
        typed,
      ], { cwd: folder.path, env: { HOME: folder.path } });
      const words = stdout.split("\n").filter((line) => line !== "")
        .map((line) => line.split("\t")[0]);
      assert.deepEqual(words, expected, typed);
    }
  },
});

Deno.test("hamlet completion writes a script for every shell", async () => {
  for (const shell of ["bash", "zsh", "fish"]) {
    const { code, stdout } = await program(["completion", shell]).output();
    assert.equal(code, 0);
    assert.match(new TextDecoder().decode(stdout), /__complete --/);
  }
});
