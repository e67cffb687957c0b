import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { type Machine, testWithMachines } from "../support/machine.ts";
import { run } from "../support/process.ts";
import {
  assertConfined,
  editService,
  journal,
  serviceProcesses,
  serviceState,
  systemctl,
  untilService,
} from "../support/service.ts";
import { installService, serviceMachine } from "./support/service_machine.ts";

async function hamlet(machine: Machine, ...args: string[]): Promise<string> {
  return (await machine.run("hamlet", args)).stdout;
}

/** Makes a token for a worker. */
async function invite(
  machine: Machine,
): Promise<{ token: string; id: string }> {
  const text = await hamlet(machine, "invite");
  const [token, id] = /^hamlet1\.worker\.(\w+)\.\S+$/m.exec(text) ?? [];
  assert.ok(token !== undefined && id !== undefined);
  return { token, id };
}

/** Lays a cable between two machines. */
async function connect(...machines: [Machine, Machine]): Promise<void> {
  const [one, other] = machines;
  await run("ip", [
    ...["link", "add", "eth0", "netns", `${one.pid}`, "type", "veth"],
    ...["peer", "name", "eth0", "netns", `${other.pid}`],
  ]);
  for (const [index, machine] of machines.entries()) {
    // Of those that nobody has, RFC 5737.
    const address = `192.0.2.${index + 1}/24`;
    await machine.run("ip", ["address", "add", address, "dev", "eth0"]);
    await machine.run("ip", ["link", "set", "eth0", "up"]);
  }
}

testWithMachines(
  "a node with all plugins runs under its unit, and etcd ends with it",
  async () => {
    await using machine = await serviceMachine();
    await installService(machine, {
      first: { origin: "new-cluster" },
      config: { name: "alpha", advertise: "127.0.0.1" },
    });
    await systemctl(machine, "start");
    await untilService(
      machine,
      ({ status }) => /^Ready: (\d+) of \1 plugins ready$/.test(status),
    );
    assert.ok((await assertConfined(machine)).includes("etcd"));
    await hamlet(machine, "kv", "put", "/a", "kept");

    await systemctl(machine, "kill", "--kill-whom=main", "--signal=KILL");
    await untilService(
      machine,
      ({ active, restarts }) => active === "active" && restarts === 1,
    );
    assert.equal(await hamlet(machine, "kv", "get", "/a"), "kept");

    await systemctl(machine, "stop");
    const { active, result, exitCode } = await serviceState(machine);
    assert.deepEqual([active, result, exitCode], ["inactive", "success", 0]);
    assert.deepEqual(await serviceProcesses(machine), []);
    // What systemd says where it has to end what the node left: killed itself, it may leave that to systemd.
    const end = (await journal(machine)).split(/: Stopping /).at(-1) ?? "";
    assert.doesNotMatch(end, /Killing process|left-over/);
  },
);

testWithMachines(
  "systemd learns that a node is ready also where it was busy meanwhile",
  async () => {
    await using machine = await serviceMachine();
    await installService(machine, {
      first: { origin: "new-cluster" },
      config: { name: "alpha", advertise: "127.0.0.1" },
    });
    await systemctl(machine, "start", "--no-block");
    await untilService(machine, ({ pid }) => pid !== 0);
    Deno.kill(machine.pid, "SIGSTOP");
    await machine.run("sh", [
      "-c",
      "until hamlet status >/dev/null 2>&1; do sleep 0.1; done",
    ]);
    Deno.kill(machine.pid, "SIGCONT");
    // It has been told already: this waits until it is ready.
    await systemctl(machine, "start");
  },
);

testWithMachines(
  "a service that joins waits for its cluster as long as it takes, and keeps no token",
  async () => {
    await using alpha = await serviceMachine();
    await using beta = await serviceMachine();
    await connect(alpha, beta);
    await installService(alpha, {
      first: { origin: "new-cluster" },
      config: { name: "alpha", advertise: "192.0.2.1" },
    });
    await systemctl(alpha, "start");
    const installBeta = (joinToken: string) =>
      installService(beta, {
        first: { origin: "join", joinToken },
        config: { name: "beta", advertise: "192.0.2.2" },
      });

    const revoked = await invite(alpha);
    await hamlet(alpha, "invite", "revoke", revoked.id);
    await installBeta(revoked.token);
    await assert.rejects(systemctl(beta, "start"), /invitation .* was revoked/);
    await systemctl(beta, "stop");

    const { token } = await invite(alpha);
    await systemctl(alpha, "stop");
    await installBeta(token);
    await editService(beta, "TimeoutStartSec=5", "WatchdogSec=5");
    await systemctl(beta, "start", "--no-block");
    await delay(8_000);
    const { active, restarts, pid } = await serviceState(beta);
    assert.deepEqual([active, restarts], ["activating", 0]);
    const { stdout: words } = await beta.run("cat", [`/proc/${pid}/cmdline`]);
    assert.match(words, /\0run\0--join-file\0\/etc\/hamlet\/join-token\0$/);

    await systemctl(alpha, "start");
    // It has been told already: this waits until it is ready.
    await systemctl(beta, "start");
    assert.match(await hamlet(alpha, "nodes"), /^beta +worker +ready/m);
    for (const name of ["first-start", "join-token"]) {
      assert.ok(!existsSync(`${beta.root}/etc/hamlet/${name}`), name);
    }
    await systemctl(beta, "restart");
  },
);
