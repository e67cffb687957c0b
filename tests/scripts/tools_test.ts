import assert from "node:assert/strict";
import { CommandError, run, type RunOutput } from "../support/process.ts";
import { type TempFolder, tempFolder } from "../support/temp.ts";

const TOOLS = new URL("../../scripts/tools.sh", import.meta.url).pathname;
const SYSTEM = ["cp", "flock", "mkdir", "mv", "rm", "sync"];

/** A machine with an empty home and nothing on the PATH but `programs`, each with its path. */
async function machine(
  programs: Record<string, string> = {},
): Promise<TempFolder> {
  const folder = await tempFolder();
  await Deno.mkdir(`${folder.path}/bin`);
  for (const name of SYSTEM) {
    const { stdout } = await run("sh", ["-c", `command -v ${name}`]);
    await Deno.symlink(stdout.trim(), `${folder.path}/bin/${name}`);
  }
  for (const [name, path] of Object.entries(programs)) {
    await Deno.symlink(path, `${folder.path}/bin/${name}`);
  }
  return folder;
}

function source(on: TempFolder, script: string): Promise<RunOutput> {
  const env = [`HOME=${on.path}`, `PATH=${on.path}/bin`];
  return run("env", [
    "-i",
    ...env,
    "/bin/bash",
    "-c",
    `set -euo pipefail; . ${TOOLS}; ${script}`,
  ]);
}

function failsWith(message: RegExp): (error: unknown) => boolean {
  return (error) =>
    error instanceof CommandError && error.code === 1 &&
    message.test(error.stderr);
}

Deno.test("need_deno takes a Deno of the right version from the PATH and keeps its own copy", async () => {
  await using here = await machine({ deno: Deno.execPath() });
  await source(here, "need_deno");
  await Deno.remove(`${here.path}/bin/deno`);
  const { stdout, stderr } = await source(
    here,
    'need_deno; "$deno" eval "console.log(Deno.version.deno)"',
  );
  assert.deepEqual({ stdout, stderr }, {
    stdout: `${Deno.version.deno}\n`,
    stderr: "",
  });
});

Deno.test("need_deno of two at once, after a third that was killed, works for both", async () => {
  await using here = await machine({ deno: Deno.execPath() });
  const { stdout } = await source(
    here,
    'mkdir -p "$tools/.new/half"; echo "$tools"',
  );
  await Promise.all([source(here, "need_deno"), source(here, "need_deno")]);
  const left = [...Deno.readDirSync(stdout.trim())].map((entry) => entry.name)
    .toSorted();
  assert.deepEqual(left, [".lock", `deno-${Deno.version.deno}`]);
});

Deno.test("need_deno says what to do when there is neither a Deno of its version nor npm", async () => {
  await using here = await machine({ deno: "/bin/false" });
  await assert.rejects(
    source(here, "need_deno"),
    failsWith(/Deno [\d.]+ is not on the PATH and there is no npm/),
  );
});

Deno.test("need_debian leaves a program on the PATH as it is", async () => {
  await using here = await machine({ etcd: "/bin/true" });
  const { stdout } = await source(
    here,
    "need_debian etcd etcd-server; command -v etcd",
  );
  assert.equal(stdout, `${here.path}/bin/etcd\n`);
});

Deno.test("need_debian says what to do when there is no apt-get", async () => {
  await using here = await machine();
  await assert.rejects(
    source(here, "need_debian etcd etcd-server"),
    failsWith(
      /etcd is not on the PATH and there is no apt-get .* install etcd$/m,
    ),
  );
});

Deno.test("want_etcd without Go says what is skipped, and fails nothing", async () => {
  await using here = await machine();
  const { stdout, stderr } = await source(
    here,
    'want_etcd 3.5.24; echo "${HAMLET_ETCD_3_5-none}"',
  );
  assert.equal(stdout, "none\n");
  assert.match(stderr, /no etcd 3\.5\.24: the tests that need it are skipped/);
});
