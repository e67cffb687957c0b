import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import * as v from "valibot";
import { run } from "../../support/process.ts";
import { tempFolder } from "../../support/temp.ts";

const Result = v.object({
  outcomes: v.array(v.string()),
  hostname: v.string(),
  addresses: v.array(v.string()),
  logged: v.array(v.string()),
});

const script = fileURLToPath(new URL("./set_hostname.ts", import.meta.url));

/** Uses the service in a UTS and a mount namespace of its own, so that this machine keeps its name. */
async function use(
  name: string,
  mode: "on" | "off" = "on",
  before = "exec",
): Promise<v.InferOutput<typeof Result>> {
  const deno = [
    Deno.execPath(),
    "run",
    "--quiet",
    "--allow-all",
    "--no-config",
    script,
    name,
    mode,
  ];
  const { stdout } = await run("unshare", [
    "--uts",
    "--mount",
    "sh",
    "-euc",
    `hostname before; ${before} "$@"`,
    "sh",
    ...deno,
  ]);
  return v.parse(Result, JSON.parse(stdout));
}

Deno.test("hostnameService() sets the host name, once", async () => {
  const { outcomes, hostname, logged } = await use("node-1");
  assert.deepEqual(outcomes, ["set", "unchanged"]);
  assert.equal(hostname, "node-1");
  assert.deepEqual(logged, ['Set the host name to "node-1", it was "before"']);
});

Deno.test("hostnameService() sets a name of 63 characters as it is", async () => {
  const name = "n".repeat(63);
  assert.equal((await use(name)).hostname, name);
});

Deno.test("hostnameService() leaves the host name alone where it is off", async () => {
  const { outcomes, hostname, logged } = await use("node-1", "off");
  assert.deepEqual([outcomes, hostname, logged], [
    ["off", "off"],
    "before",
    [],
  ]);
});

Deno.test("hostnameService() reports once that it is not permitted", async () => {
  const { outcomes, hostname, logged } = await use(
    "node-1",
    "on",
    "exec setpriv --bounding-set=-all --inh-caps=-all",
  );
  assert.deepEqual([outcomes, hostname], [
    ["not-permitted", "not-permitted"],
    "before",
  ]);
  assert.deepEqual(logged, [
    'Host name stays "before": this user may not set it; run Hamlet as root or with --hostname off',
  ]);
});

Deno.test("hostnameService() resolves the name as the system does", async () => {
  await using folder = await tempFolder();
  await Deno.writeTextFile(
    `${folder.path}/hosts`,
    "192.0.2.7 node-1\n2001:db8::7 node-1\n",
  );
  const mount = `mount --bind ${folder.path}/hosts /etc/hosts; exec`;
  assert.deepEqual((await use("node-1", "off", mount)).addresses.sort(), [
    "192.0.2.7",
    "2001:db8::7",
  ]);
  assert.deepEqual((await use("node-2", "off", mount)).addresses, []);
});
