import assert from "node:assert/strict";
import { parseManifest } from "../../../runtime/manifest/mod.ts";
import { unitText } from "../../../runtime/systemd/unit.ts";
import { run } from "../../support/process.ts";
import { tempFolder } from "../../support/temp.ts";

/** The unit for one plugin with this entry. */
function unitOf(
  entry: Record<string, unknown>,
  hostname: "on" | "off" = "on",
  program = "/usr/local/bin/hamlet",
): string {
  const text = JSON.stringify({
    plugins: { one: { module: "./plugin.ts", ...entry } },
  });
  const { plugins } = parseManifest(text, "/distribution/deno.json");
  return unitText({ program, plugins, hostname });
}

/** The lines of a unit that are settings. */
function settings(unit: string): string[] {
  return unit.split("\n").filter((line) => /^[A-Z]\w+=/.test(line));
}

Deno.test("unitText() lets a node do no more than its plugins are granted", () => {
  const plain = settings(unitOf({}));
  assert.ok(plain.includes("CapabilityBoundingSet="));
  assert.ok(plain.includes("ProtectHostname=yes"));
  assert.ok(plain.includes("SystemCallFilter=@system-service @pkey"));
  assert.ok(plain.includes("ProtectHome=yes"));
  assert.ok(plain.includes("PrivateTmp=yes"));
  assert.ok(!plain.some((line) => line.startsWith("ReadWritePaths=")));
});

Deno.test("unitText() lets a node set the host name where a plugin does, and the operator wants it", () => {
  const entry = { uses: { hostname: {} } };
  const on = settings(unitOf(entry));
  assert.ok(on.includes("CapabilityBoundingSet=CAP_SYS_ADMIN"));
  assert.ok(on.includes("SystemCallFilter=@system-service @pkey sethostname"));
  assert.ok(!on.includes("ProtectHostname=yes"));
  assert.deepEqual(settings(unitOf(entry, "off")), settings(unitOf({})));
});

Deno.test("unitText() opens the paths that plugins are granted outside of the node's folders", () => {
  const unit = settings(unitOf({
    permissions: {
      read: ["/home/shop/price list"],
      write: ["${data}/one", "/srv/100% of it", "/tmp/one"],
    },
  }));
  assert.deepEqual(unit.filter((line) => line.startsWith("ReadWritePaths=")), [
    "ReadWritePaths=-/srv/100%%\\x20of\\x20it",
    "ReadWritePaths=-/tmp/one",
  ]);
  assert.ok(unit.includes("ProtectHome=no"));
  assert.ok(unit.includes("PrivateTmp=no"));
});

Deno.test("unitText() makes a unit that systemd takes and finds confined", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/hamlet.service`;
  const entry = {
    uses: { hostname: {} },
    permissions: { write: ["/srv/100% of it"] },
  };
  await Deno.writeTextFile(path, unitOf(entry, "on", "/bin/true"));
  const { stderr } = await run("systemd-analyze", ["verify", path]);
  assert.equal(stderr, "");
  // In tenths: beyond that, somebody has taken a bar away.
  const flags = ["--offline=yes", "--threshold=26", "--no-pager"];
  await run("systemd-analyze", ["security", ...flags, path]);
});

Deno.test("unitText() says how an empty data folder becomes a node until that has been ready once, in whatever role", async () => {
  await using folder = await tempFolder();
  const first = `${folder.path}/first-start`;
  const file = `${folder.path}/node.json`;
  const [, command] =
    /^ExecStartPre=\+\/bin\/sh -c '(.*)'$/m.exec(unitOf({})) ?? [];
  assert.ok(command);
  const isKept = async (content?: Record<string, unknown>) => {
    await Deno.writeTextFile(first, "");
    if (content) {
      await Deno.writeTextFile(file, JSON.stringify(content, null, 2));
    }
    await run("sh", [
      "-c",
      command.replaceAll(/\/(?:etc|var\/lib)\/hamlet\//g, `${folder.path}/`),
    ]);
    return (await Array.fromAsync(Deno.readDir(folder.path))).some((
      { name },
    ) => name === "first-start");
  };
  const node = { id: "hamlet-0", name: "hamlet", origin: "new-cluster" };
  assert.equal(await isKept(), true);
  assert.equal(await isKept({ ...node, established: false }), true);
  const ready = { ...node, hamlet: "0.1.0" };
  assert.equal(await isKept({ ...ready, established: true }), false);
  // The founder that has just become a worker, which no longer is what --new-cluster makes.
  const worker = { ...ready, origin: "join", role: "worker" };
  assert.equal(await isKept({ ...worker, established: false }), false);
});
