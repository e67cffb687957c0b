import assert from "node:assert/strict";
import { run } from "../support/process.ts";
import { tempFolder } from "../support/temp.ts";
import { program } from "./support/program.ts";

Deno.test("hamlet install --dry-run shows everything, and does nothing", async () => {
  await using folder = await tempFolder();
  const { stdout } = await run(program(), [
    ...["install", "--dry-run", "--new-cluster", "--name", "alpha"],
    ...["--root", folder.path],
  ]);
  assert.ok(stdout.startsWith(`copy ${program()} to ${folder.path}/usr/local`));
  assert.match(stdout, /^ {2}\| {3}"name": "alpha"$/m);
  assert.match(stdout, /^ {2}\| HAMLET_FIRST_START=--new-cluster$/m);
  assert.match(stdout, /^ {2}\| Type=notify$/m);
  assert.match(stdout, /^ {2}\| CapabilityBoundingSet=CAP_SYS_ADMIN$/m);
  assert.match(stdout, /\nNothing of this has been done\n$/);
  assert.deepEqual(await Array.fromAsync(Deno.readDir(folder.path)), []);
});

Deno.test("hamlet install and uninstall leave an image as it was, but for the data", async () => {
  await using folder = await tempFolder();
  const root = folder.path;
  const paths = async () =>
    (await run("find", [root, "-mindepth", "1", "-not", "-type", "d"])).stdout
      .split("\n").filter((path) => path !== "").map((path) =>
        path.slice(root.length)
      ).sort();
  const flags = ["--new-cluster", "--advertise", "192.0.2.1", "--root", root];
  await run(program(), ["install", ...flags]);
  assert.deepEqual(await paths(), [
    "/etc/hamlet/config.json",
    "/etc/hamlet/first-start",
    "/etc/systemd/system/hamlet.service",
    "/etc/systemd/system/multi-user.target.wants/hamlet.service",
    "/usr/local/bin/hamlet",
  ]);
  const { stdout } = await run(`${root}/usr/local/bin/hamlet`, ["version"]);
  assert.match(stdout, /^hamlet /);
  // Again, as an operator does who is not sure.
  await run(program(), ["install", ...flags]);

  await Deno.writeTextFile(`${root}/var/lib/hamlet/node.json`, "{}");
  await run(program(), ["uninstall", "--root", root]);
  const left = ["/etc/hamlet/config.json", "/var/lib/hamlet/node.json"];
  assert.deepEqual(await paths(), left);

  await run(program(), ["uninstall", "--purge", "--root", root]);
  assert.deepEqual(await paths(), []);
});
