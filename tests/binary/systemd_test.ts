import assert from "node:assert/strict";
import {
  bootMachine,
  type Machine,
  testWithMachines,
} from "../support/machine.ts";
import {
  assertConfined,
  editService,
  journal,
  serviceProcesses,
  serviceState,
  systemctl,
  untilService,
} from "../support/service.ts";
import { program, versionOf } from "./support/program.ts";

/** Where the program is before it is installed. */
const BROUGHT = "/opt/hamlet";

/** Tests a machine on which the program is not installed yet. */
function testMachine(
  name: string,
  fn: (machine: Machine) => Promise<void>,
): void {
  testWithMachines(name, async () => {
    await using machine = await bootMachine({ [BROUGHT]: program() });
    await fn(machine);
  });
}

/** Installs the program, as far as its base can run it. */
async function install(machine: Machine, ...args: string[]): Promise<void> {
  const flags = ["--name", "alpha", "--advertise", "127.0.0.1"];
  await machine.run(BROUGHT, ["install", ...flags, ...args]);
  await edit(machine);
}

/** Has the unit's program run what its base can, with more settings. */
async function edit(machine: Machine, ...settings: string[]): Promise<void> {
  const { forChecks } = await versionOf();
  const run = "/usr/local/bin/hamlet run --plugins network,hostsfile";
  await editService(
    machine,
    ...forChecks ? ["ExecStart=", `ExecStart=${run} $HAMLET_FIRST_START`] : [],
    ...settings,
  );
}

/** The mode of a file of the machine. */
async function mode({ root }: Machine, path: string): Promise<string> {
  const { mode } = await Deno.lstat(`${root}${path}`);
  return ((mode ?? 0) & 0o777).toString(8);
}

testMachine(
  "systemd starts an installed node, confines it, and ends it",
  async (machine) => {
    const { root } = machine;
    const hostname = async () => (await machine.run("hostname")).stdout;
    const before = await hostname();
    await install(machine, "--new-cluster");
    assert.equal(
      (await machine.run("systemctl", ["is-enabled", "hamlet"])).stdout,
      "enabled\n",
    );
    assert.equal((await serviceState(machine)).active, "inactive");

    await systemctl(machine, "start");
    const { active, restarts } = await serviceState(machine);
    assert.deepEqual([active, restarts], ["active", 0]);
    await untilService(
      machine,
      ({ status }) => /^Ready: (\d) of \1 plugins ready$/.test(status),
    );
    assert.match(
      (await machine.run("hamlet", ["status"])).stdout,
      /alpha is ready/,
    );
    assert.notEqual(before, "alpha\n");
    assert.equal(await hostname(), "alpha\n");
    assert.equal(Deno.hostname(), before.trim());
    for (
      const [path, expected] of [
        ["/var/lib/hamlet", "700"],
        ["/var/lib/hamlet/identity/key.pem", "600"],
        ["/run/hamlet", "755"],
        ["/run/hamlet/hosts", "644"],
        ["/run/hamlet/machine-id", "644"],
        ["/run/hamlet/hamlet.sock", "700"],
      ] as const
    ) assert.equal(await mode(machine, path), expected, path);
    await assert.rejects(
      Deno.stat(`${root}/etc/hamlet/first-start`),
      Deno.errors.NotFound,
    );
    await assertConfined(machine);

    await systemctl(machine, "stop");
    const { active: after, result, exitCode } = await serviceState(machine);
    assert.deepEqual([after, result, exitCode], ["inactive", "success", 0]);
    assert.deepEqual(await serviceProcesses(machine), []);
    // Names still resolve.
    assert.match(
      await Deno.readTextFile(`${root}/run/hamlet/hosts`),
      /alpha$/m,
    );
  },
);

testMachine(
  "systemd starts a node again that was killed or hangs",
  async (machine) => {
    await install(machine, "--new-cluster");
    await edit(machine, "WatchdogSec=6");
    await systemctl(machine, "start");
    const { pid: first } = await serviceState(machine);
    await systemctl(machine, "kill", "--kill-whom=main", "--signal=KILL");
    const again = await untilService(
      machine,
      ({ active, restarts }) => active === "active" && restarts === 1,
    );
    assert.notEqual(again.pid, first);

    await systemctl(machine, "kill", "--kill-whom=main", "--signal=STOP");
    await untilService(
      machine,
      ({ active, restarts }) => active === "active" && restarts === 2,
    );
    assert.match(await journal(machine), /Watchdog timeout/);
    // One that lives tells so in time.
    assert.match(
      (await machine.run("hamlet", ["status"])).stdout,
      /alpha is ready/,
    );
  },
);

testMachine(
  "systemd does not start a node again that was told what cannot be, and any other as soon as it can be",
  async (machine) => {
    await install(machine);
    await edit(machine, "RestartSec=100ms");
    // Nobody said what the empty data folder is to become.
    await assert.rejects(
      systemctl(machine, "start"),
      /empty: start a new cluster with --new-cluster/,
    );
    const { active, exitCode, restarts } = await serviceState(machine);
    assert.deepEqual([active, exitCode, restarts], ["failed", 2, 0]);

    await machine.run(BROUGHT, ["install", "--new-cluster"]);
    const config = `${machine.root}/etc/hamlet/config.json`;
    const text = await Deno.readTextFile(config);
    await Deno.writeTextFile(config, text.replace("alpha", "no name"));
    await assert.rejects(
      systemctl(machine, "start"),
      /config\.json:2:\d+: .*one DNS label/,
    );
    await untilService(machine, ({ restarts }) => restarts > 1);
    await Deno.writeTextFile(config, text);
    await untilService(machine, ({ active }) => active === "active");
  },
);

testMachine(
  "the installed node writes the machine's hosts file where the operator lets it",
  async (machine) => {
    await install(machine, "--new-cluster");
    const resolved = async () => {
      await systemctl(machine, "restart");
      return (await machine.run("getent", ["hosts", "alpha"])).stdout;
    };
    const config = `${machine.root}/etc/hamlet/config.json`;
    const text = await Deno.readTextFile(config);
    const etcHosts = '"plugins": { "hostsfile": { "etcHosts": true } }\n}';
    await Deno.writeTextFile(config, text.replace(/\n\}/, `,\n${etcHosts}`));
    await edit(machine, "ReadWritePaths=/etc/hosts");
    assert.match(await resolved(), /^127\.0\.0\.1 .* alpha$/m);

    await Deno.writeTextFile(config, text);
    await edit(machine);
    await machine.run("ln", ["-sf", "/run/hamlet/hosts", "/etc/hosts"]);
    assert.match(await resolved(), /^127\.0\.0\.1 .* alpha$/m);
  },
);

testMachine(
  "hamlet uninstall ends the node and leaves its data, unless told otherwise",
  async (machine) => {
    const { root } = machine;
    await install(machine, "--new-cluster");
    await systemctl(machine, "start");
    const node = await Deno.readTextFile(`${root}/var/lib/hamlet/node.json`);
    await machine.run("hamlet", ["uninstall"]);
    assert.deepEqual(await serviceProcesses(machine), []);
    assert.equal(
      await Deno.readTextFile(`${root}/var/lib/hamlet/node.json`),
      node,
    );
    await assert.rejects(
      Deno.stat(`${root}/usr/local/bin/hamlet`),
      Deno.errors.NotFound,
    );

    // The node goes on with it, told nothing.
    await machine.run(BROUGHT, ["install"]);
    await systemctl(machine, "start");
    await machine.run("hamlet", ["uninstall", "--purge"]);
    assert.deepEqual(await serviceProcesses(machine), []);
    for (const folder of ["/etc", "/run", "/var/lib"]) {
      await assert.rejects(
        Deno.stat(`${root}${folder}/hamlet`),
        Deno.errors.NotFound,
      );
    }
  },
);
