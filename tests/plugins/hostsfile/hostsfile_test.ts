import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { observedNode } from "../../runtime/node/observed_node.ts";
import { tempFolder } from "../../support/temp.ts";
import { inNamespace } from "../in_namespace.ts";

const root = new URL("../../../", import.meta.url);
const plugins = ["network", "hostsfile"];

Deno.test("hostsfile writes both files for everybody to read, and leaves nothing else", async () => {
  await using folder = await tempFolder();
  const run = `${folder.path}/run`;
  await using observed = await observedNode(folder.path, {
    plugins,
    name: "node-1",
    advertise: "192.0.2.7",
  });
  await observed.node.ready;
  await observed.logged(/Wrote .*: added node-1 \(192\.0\.2\.7\)/);
  const { id, machineId } = observed.node.info;
  assert.equal(
    await Deno.readTextFile(`${run}/hosts`),
    `127.0.0.1 localhost\n::1 localhost\n192.0.2.7 ${id} node-1\n`,
  );
  assert.equal(await Deno.readTextFile(`${run}/machine-id`), `${machineId}\n`);
  assert.match(machineId, /^[0-9a-f]{32}$/);
  for (const name of ["hosts", "machine-id"]) {
    assert.equal((await Deno.stat(`${run}/${name}`)).mode, 0o100644);
  }
  const names = (await Array.fromAsync(Deno.readDir(run))).map(({ name }) =>
    name
  ).sort();
  assert.deepEqual(names, [
    "consensus",
    "hamlet.sock",
    "hosts",
    "lock",
    "machine-id",
  ]);
});

Deno.test("hostsfile names its machine, and tells an operator of names that do not resolve", async () => {
  await inNamespace(new URL("./resolve_names.ts", import.meta.url));
});

Deno.test("hostsfile writes localhost alone, and is ready, before there is an address", async () => {
  await inNamespace(new URL("./before_an_address.ts", import.meta.url));
});

Deno.test("hostsfile keeps its block in /etc/hosts where the config says so, and nothing else of it", async () => {
  await inNamespace(new URL("./etc_hosts.ts", import.meta.url));
});

Deno.test("hostsfile is no alarm for who tries it out on loopback", async () => {
  await using folder = await tempFolder();
  await using observed = await observedNode(folder.path, {
    plugins,
    dev: true,
  });
  assert.match(await observed.logged(/This system resolves/), /"level":"info"/);
});

Deno.test("hostsfile leaves out a name that would lead astray, and says so", async () => {
  await using folder = await tempFolder();
  await using observed = await observedNode(folder.path, {
    plugins,
    name: "localhost",
    advertise: "192.0.2.7",
  });
  await observed.node.ready;
  assert.match(
    await observed.logged(/Leaving this node/),
    /"level":"warning".*is this machine's own name for itself/,
  );
  assert.equal(
    await Deno.readTextFile(`${folder.path}/run/hosts`),
    "127.0.0.1 localhost\n::1 localhost\n",
  );
});

Deno.test("hostsfile never gets to see an address that would break the file", async () => {
  await using folder = await tempFolder();
  const { plugins: { hostsfile } } = JSON.parse(
    await Deno.readTextFile(new URL("deno.json", root)),
  );
  await Deno.symlink(fileURLToPath(root).slice(0, -1), `${folder.path}/hamlet`);
  await Deno.copyFile(
    new URL("./rogue_network.ts", import.meta.url),
    `${folder.path}/rogue_network.ts`,
  );
  const manifest = `${folder.path}/deno.json`;
  await Deno.writeTextFile(
    manifest,
    JSON.stringify({
      plugins: {
        hostsfile: {
          ...hostsfile,
          module: "./hamlet/plugins/hostsfile/mod.ts",
        },
        network: {
          module: "./rogue_network.ts",
          provides: ["network"],
          isolation: "worker",
        },
      },
    }),
  );
  await using observed = await observedNode(folder.path, {
    manifest,
    name: "node-1",
  });
  await observed.logged(/Wrote .*: added node-1 \(192\.0\.2\.7\)/);
  await observed.logged(
    /root\.hostsfile\.local.*answered \\"watch\\" with what its contract does not allow/,
  );
  assert.equal(
    await Deno.readTextFile(`${folder.path}/run/hosts`),
    `127.0.0.1 localhost\n::1 localhost\n192.0.2.7 ${observed.node.info.id} node-1\n`,
  );
});
