import assert from "node:assert/strict";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { workerPermissions } from "../../../runtime/host/worker_permissions.ts";
import {
  type Grant,
  parseManifest,
  PathGuard,
  type ProtectedPath,
  resolveGrant,
} from "../../../runtime/manifest/mod.ts";
import { tempFolder } from "../../support/temp.ts";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url)).slice(0, -1);

/** One that needs no file to be read. */
const NO_MODULE = new URL("data:application/javascript,");

/** The repository's own plugins on a node whose folders are `data` and `run` below `root`. */
async function grants(root: string): Promise<Map<string, Grant>> {
  const file = `${ROOT}/deno.json`;
  const protectedPaths: ProtectedPath[] = [
    { path: ROOT, access: "read", why: "the program" },
    {
      path: `${root}/data/identity/key.pem`,
      access: "named",
      why: "the node's private key",
    },
    {
      path: `${root}/run/hamlet.sock`,
      access: "none",
      why: "the node's admin socket",
    },
  ];
  const variables = {
    data: `${root}/data`,
    run: `${root}/run`,
    config: `${root}/config.json`,
    node: "hamlet-0123456789abcdef0123456789abcdef",
    name: "node-1",
    listen: "127.0.0.1",
    peerPort: 7834,
    curatorPort: 7835,
  };
  const guard = new PathGuard(variables, protectedPaths);
  const granted = new Map<string, Grant>();
  for (
    const plugin of parseManifest(await Deno.readTextFile(file), file).plugins
  ) {
    granted.set(plugin.name, await resolveGrant(plugin, variables, guard));
  }
  return granted;
}

/** The plugins that may touch a file, and how. */
function holders(granted: Map<string, Grant>, file: string): string[] {
  return Array.from(granted).flatMap(([name, { permissions }]) =>
    (["read", "write"] as const)
      .filter((access) =>
        permissions[access].some((path) => `${file}/`.startsWith(`${path}/`))
      )
      .map((access) => `${name} ${access}`)
  ).sort();
}

Deno.test("deno.json declares plugins that a node can grant what they ask for", async () => {
  await using folder = await tempFolder();
  const granted = await grants(folder.path);
  assert.deepEqual(
    [
      "autopromoter",
      "ca",
      "consensus",
      "crl",
      "curator",
      "hostsfile",
      "network",
    ]
      .filter((name) => !granted.has(name)),
    [],
  );
  for (const { permissions } of granted.values()) {
    // A grant that Deno does not take throws here.
    new Worker("data:application/javascript,", {
      type: "module",
      deno: { permissions: workerPermissions(NO_MODULE, permissions) },
    }).terminate();
  }
});

Deno.test("deno.json gives each secret to the plugin that needs it, and to no other", async () => {
  await using folder = await tempFolder();
  const granted = await grants(folder.path);
  const held = (file: string) => holders(granted, `${folder.path}/${file}`);
  assert.deepEqual(held("data/ca/seal.key"), ["ca read", "ca write"]);
  assert.deepEqual(held("data/etcd/peer-pki/key.pem"), [
    "consensus read",
    "consensus write",
  ]);
  assert.deepEqual(held("data/etcd/peer-crl/crl.der"), [
    "consensus read",
    "consensus write",
    "crl read",
    "crl write",
  ]);
  assert.deepEqual(held("run/consensus/client.sock:0"), [
    "consensus read",
    "consensus write",
  ]);
  assert.deepEqual(held("data/identity/key.pem"), ["curator read"]);
  assert.deepEqual(held("data/node.json"), []);
  assert.deepEqual(held("run/hamlet.sock"), []);
});

Deno.test("deno.json gives the network to consensus and the curator alone", async () => {
  await using folder = await tempFolder();
  const granted = await grants(folder.path);
  const net = Array.from(granted).flatMap(([name, { permissions }]) =>
    permissions.net.map((address) => `${name} ${address}`)
  ).filter((line) => !line.startsWith("curator "));
  assert.deepEqual(net, [
    `consensus unix:${folder.path}/run/consensus/client.sock:0`,
  ]);
});

Deno.test("deno.json lets each plugin replace the files that it is granted one by one", async () => {
  await using folder = await tempFolder();
  const replaced: string[] = [];
  for (const { permissions } of (await grants(folder.path)).values()) {
    const files = permissions.write.filter((path) =>
      permissions.write.includes(`${path}.new`)
    );
    if (files.length === 0) continue;
    for (const file of files) {
      await Deno.mkdir(dirname(file), { recursive: true });
    }
    const worker = new Worker(
      new URL("./replace_files_worker.ts", import.meta.url).href,
      {
        type: "module",
        deno: { permissions: workerPermissions(NO_MODULE, permissions) },
      },
    );
    worker.postMessage(files);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    worker.onmessage = () => resolve();
    worker.onerror = (event) => {
      event.preventDefault();
      reject(new Error(event.message));
    };
    try {
      await promise;
    } finally {
      worker.terminate();
    }
    replaced.push(...files);
  }
  assert.deepEqual(
    ["data/etcd/peer-crl/crl.der", "data/identity/crl.der", "run/hosts"]
      .filter((file) => !replaced.includes(`${folder.path}/${file}`)),
    [],
  );
});
