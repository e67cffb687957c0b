import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { bootMachine, testWithMachines } from "./machine.ts";
import { CommandError, run } from "./process.ts";

/** The outermost control groups, some of them of machines. */
async function groups(): Promise<string[]> {
  const { stdout } = await run("unshare", [
    ...["--mount", "sh", "-euc", "mount -t cgroup2 none /run; ls /run"],
  ]);
  return stdout.split("\n");
}

testWithMachines(
  "bootMachine() boots systemd, and leaves nothing of it",
  async () => {
    const here = new URL("machine.ts", import.meta.url).pathname;
    await using machine = await bootMachine({ "/opt/given/file": here });
    const { root } = machine;
    const { stdout } = await machine.run("systemctl", ["is-system-running"]);
    assert.equal(stdout, "running\n");

    const name = Deno.hostname();
    await machine.run("sh", ["-euc", "hostname other; echo >/etc/hamlet-test"]);
    assert.ok(existsSync(`${root}/etc/hamlet-test`));
    assert.ok(!existsSync("/etc/hamlet-test"));
    assert.equal(Deno.hostname(), name);
    assert.deepEqual(
      await Deno.readFile(`${root}/opt/given/file`),
      await Deno.readFile(here),
    );
    await assert.rejects(
      machine.run("touch", ["/opt/given/file", "/proc/sys/fs/file-max"]),
      (error) =>
        error instanceof CommandError &&
        error.stderr.match(/Read-only file system/g)?.length === 2,
    );

    const group = /^0::\/(hamlet-\d+)/m.exec(
      await Deno.readTextFile(root.replace(/root$/, "cgroup")),
    )?.[1];
    assert.ok(group);
    assert.ok((await groups()).includes(group));
    await machine[Symbol.asyncDispose]();
    assert.ok(!existsSync(root));
    assert.ok(!(await groups()).includes(group));
  },
);
