import assert from "node:assert/strict";
import { type NodeInfo, v } from "../../../mod.ts";
import { etcdFiles } from "../../../plugins/consensus/etcd_files.ts";
import {
  clusterToken,
  etcdFlags,
  type EtcdFlagsOptions,
  peerAddress,
  peerUrl,
} from "../../../plugins/consensus/etcd_flags.ts";
import { parseEtcdVersion } from "../../../plugins/consensus/etcd_version.ts";
import {
  parseManifest,
  PathGuard,
  resolveGrant,
} from "../../../runtime/manifest/mod.ts";
import { matchesArgument } from "../../../runtime/node/argument_pattern.ts";
import { ProcessScope } from "../../../runtime/services/process.ts";

const node: NodeInfo = {
  id: "hamlet-00112233445566778899aabbccddeeff",
  name: "north",
  machineId: "00112233445566778899aabbccddeeff",
  origin: "new-cluster",
  role: "member",
  folders: { data: "/var/lib/hamlet", run: "/run/hamlet" },
  listen: "10.0.0.1",
  peerPort: 7834,
  curatorPort: 7835,
};

const others = [
  { name: "hamlet-01", peerURL: "https://192.0.2.2:1" },
  { name: "hamlet-02", peerURL: "https://[2001:db8::2]:2" },
];

async function flags(
  { version = "3.4.23", address = "192.0.2.1", listen = node.listen, ...rest }:
    & Partial<Omit<EtcdFlagsOptions, "version">>
    & { version?: string; address?: string; listen?: string } = {},
): Promise<string[]> {
  return etcdFlags({
    node: { ...node, listen },
    files: etcdFiles(node.folders),
    version: parseEtcdVersion(`etcd Version: ${version}`),
    token: await clusterToken(new Uint8Array([1, 2, 3])),
    peerURL: peerUrl(address, node.peerPort),
    state: "new",
    backendQuota: 2147483648,
    ...rest,
  });
}

/** What the manifest lets this node start etcd with. */
async function allowed(listen = node.listen): Promise<string[]> {
  const file = new URL("../../../deno.json", import.meta.url);
  const { plugins } = parseManifest(
    await Deno.readTextFile(file),
    file.pathname,
  );
  const entry = plugins.find(({ name }) => name === "consensus");
  assert.ok(entry);
  const { data, run } = node.folders;
  const variables = {
    data,
    run,
    config: "/etc/hamlet/config.json",
    node: node.id,
    name: node.name,
    listen,
    peerPort: node.peerPort,
    curatorPort: node.curatorPort,
  };
  const guard = new PathGuard(variables, []);
  const { uses } = await resolveGrant(entry, variables, guard);
  return v.parse(ProcessScope, uses.process?.scope).etcd?.args ?? [];
}

Deno.test("etcdFlags() makes only arguments that deno.json allows", async () => {
  for (const listen of ["10.0.0.1", "0.0.0.0", "::", "fd00::1"]) {
    const patterns = await allowed(listen);
    const all = await Promise.all([
      flags({ listen }),
      flags({ listen, version: "3.6.0" }),
      flags({ listen, address: "2001:db8::1", state: "existing", others }),
      flags({ listen, forceNewCluster: true }),
    ]);
    for (const flag of all.flat()) {
      assert.ok(matchesArgument(flag, patterns), flag);
    }
  }
});

Deno.test("deno.json lets etcd read and write nowhere else, and nothing unsafe", async () => {
  const patterns = await allowed();
  for (
    const flag of [
      "--data-dir=/etc",
      "--data-dir=/var/lib/hamlet/etcd/data/../../ca",
      "--wal-dir=/tmp",
      "--config-file=/tmp/etcd.conf",
      "--peer-key-file=/var/lib/hamlet/ca/seal.key",
      "--peer-crl-file=/dev/null",
      "--log-outputs=/etc/passwd",
      "--listen-client-urls=http://0.0.0.0:2379",
      "--listen-client-urls=unix://client.sock:0,http://0.0.0.0:2379",
      "--listen-peer-urls=http://10.0.0.1:7834",
      "--listen-peer-urls=https://10.0.0.1:7834,http://10.0.0.1:1",
      "--listen-metrics-urls=http://0.0.0.0:2381",
      "--initial-cluster=hamlet-00112233445566778899aabbccddeeff=https://a:7834,b=https://b:7834",
      "--initial-cluster=hamlet-ffffffffffffffffffffffffffffffff=https://a:7834",
      "--unsafe-no-fsync",
      "--auto-tls",
      "--peer-auto-tls",
      "--enable-pprof",
      "--discovery=https://example.com",
    ]
  ) assert.ok(!matchesArgument(flag, patterns), flag);
});

Deno.test("etcdFlags() turns off the comparison of addresses as this version calls it", async () => {
  const named = async (version: string) =>
    (await flags({ version })).filter((flag) => flag.includes("san-verif"));
  const old = "--experimental-peer-skip-client-san-verification";
  assert.deepEqual(await named("3.4.23"), [old]);
  assert.deepEqual(await named("3.5.24"), [old]);
  const today = "--peer-skip-client-san-verification";
  assert.deepEqual(await named("3.6.0"), [today]);
  assert.deepEqual(await named("4.0.0"), [today]);
});

Deno.test("etcdFlags() lets only a new cluster's etcd make data", async () => {
  assert.ok((await flags()).includes("--initial-cluster-state=new"));
  assert.ok(
    (await flags({ state: "existing" }))
      .includes("--initial-cluster-state=existing"),
  );
});

Deno.test("etcdFlags() names every member to one that joins them", async () => {
  assert.deepEqual(
    (await flags({ state: "existing", others })).filter((flag) =>
      flag.startsWith("--initial-cluster=")
    ),
    [
      `--initial-cluster=${node.id}=https://192.0.2.1:7834,hamlet-01=https://192.0.2.2:1,hamlet-02=https://[2001:db8::2]:2`,
    ],
  );
});

Deno.test("peerAddress() is never an address that means every address", () => {
  type Row = [NodeInfo["listen"], string | undefined, string[], unknown];
  const table: Row[] = [
    ["10.0.0.1", undefined, [], "10.0.0.1"],
    ["10.0.0.1", undefined, ["10.0.0.2"], "10.0.0.1"],
    ["10.0.0.1", "192.0.2.1", ["10.0.0.2"], "192.0.2.1"],
    ["0.0.0.0", "192.0.2.1", ["10.0.0.2"], "192.0.2.1"],
    ["0.0.0.0", undefined, ["10.0.0.2", "10.0.0.3"], "10.0.0.2"],
    ["0.0.0.0", undefined, [], undefined],
    ["::", undefined, [], undefined],
  ];
  for (const [listen, advertise, found, expected] of table) {
    const info = {
      ...node,
      listen,
      ...(advertise === undefined ? {} : { advertise }),
    };
    assert.equal(peerAddress(info, found), expected);
  }
});

Deno.test("clusterToken() differs between authorities and is the same for one", async () => {
  const one = await clusterToken(new Uint8Array([1]));
  assert.match(one, /^hamlet-[0-9a-f]{32}$/);
  assert.equal(await clusterToken(new Uint8Array([1])), one);
  assert.notEqual(await clusterToken(new Uint8Array([2])), one);
});
