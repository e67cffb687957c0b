import assert from "node:assert/strict";
import { unseal } from "../../plugins/ca/seal.ts";
import { AuthorityName, ca } from "../../runtime/services/ca.ts";
import { kv } from "../../runtime/services/kv.ts";
import { etcdctl, readKeys } from "./support/etcdctl.ts";
import { hamlet } from "./support/hamlet.ts";
import {
  type NodeFolders,
  nodeFolders,
  NodeProcess,
} from "./support/node_process.ts";
import { processesOf } from "./support/processes_of.ts";
import { serialOf } from "./support/openssl.ts";

/** Something that must not be found, in every way in which it could be written. */
interface Secret {
  readonly name: string;
  /** The bytes as they are, hex, and base64 wherever in a longer text they begin. */
  readonly forms: readonly string[];
}

/** Bytes as characters of one byte each, so that they can be looked for in a text. */
function characters(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 32_768) {
    text += String.fromCharCode(...bytes.subarray(at, at + 32_768));
  }
  return text;
}

function secret(name: string, bytes: Uint8Array): Secret {
  const base64 = [0, 1, 2].map((shift) =>
    // What is next to the bytes changes the first and last characters.
    new Uint8Array([...new Uint8Array(shift), ...bytes]).toBase64()
      .slice(shift === 0 ? 0 : 4, -4)
  );
  const forms = [characters(bytes), bytes.toHex(), ...base64];
  return { name, forms: [...forms, bytes.toHex().toUpperCase()] };
}

/** The 32 bytes that are an Ed25519 private key: the last ones of its PKCS #8 (RFC 8410, section 7). */
function seed(pkcs8: Uint8Array): Uint8Array {
  assert.equal(pkcs8.length, 48);
  return pkcs8.subarray(16);
}

function seedOfPem(pem: string): Uint8Array {
  return seed(Uint8Array.fromBase64(pem.replaceAll(/-----.*-----|\n/g, "")));
}

/** Says which of the secrets are in something. */
function found(content: Uint8Array | string, secrets: Secret[]): string[] {
  const text = typeof content === "string" ? content : characters(content);
  // Base64 is broken into lines where it is PEM.
  const unbroken = text.replaceAll(/\r?\n|\\n/g, "");
  return secrets.filter(({ forms }) =>
    forms.some((form) => text.includes(form) || unbroken.includes(form))
  ).map(({ name }) => name);
}

/** The private keys of both authorities, which the seal key opens. */
async function authorityKeys(folders: NodeFolders): Promise<Secret[]> {
  const sealKey = await Deno.readFile(`${folders.data}/ca/seal.key`);
  const keys = await readKeys(folders, "/");
  return await Promise.all(AuthorityName.options.map(async (name) => {
    const prefix = name === "peer" ? "/etcd-ca/" : "/cluster-ca/";
    const certificate = keys.get(`${prefix}ca.der`);
    const sealed = keys.get(`${prefix}ca-key.der`);
    assert.ok(certificate && sealed);
    const key = await unseal(sealKey, sealed, { name, certificate });
    return secret(`${name} authority's key`, seed(key));
  }));
}

async function* filesBelow(folder: string): AsyncGenerator<string> {
  for await (const { name, isDirectory, isFile } of Deno.readDir(folder)) {
    if (isDirectory) yield* filesBelow(`${folder}/${name}`);
    else if (isFile) yield `${folder}/${name}`;
  }
}

Deno.test("the keys of the authorities are nowhere in the clear", async () => {
  await using folders = await nodeFolders();
  await using node = new NodeProcess(folders, {
    args: ["--log-level", "debug"],
  });
  await node.ready();
  const { root, data, run } = folders;
  const out = `${root}/issued`;
  await hamlet(
    folders,
    ...["cert", "issue", "laptop", "--ip", "192.0.2.7", "--out", out],
  );
  const pem = (path: string) => Deno.readTextFile(path).then(seedOfPem);
  const authorities = await authorityKeys(folders);
  const seal = secret("seal key", await Deno.readFile(`${data}/ca/seal.key`));
  const own = secret("node's key", await pem(`${data}/identity/key.pem`));
  const etcd = secret("etcd's key", await pem(`${data}/etcd/peer-pki/key.pem`));
  const issued = secret("issued key", await pem(`${out}/laptop-key.pem`));
  const all = [...authorities, seal, own, etcd, issued];
  assert.equal(all.length, 6);

  // In each file the secret that it is for, and no other: that also shows that the search finds them.
  const places: Record<string, string[]> = {};
  for await (const path of filesBelow(root)) {
    const content = await Deno.readFile(path);
    // etcd allocates its log, 64 MiB at a time, before it writes it.
    const end = content.findLastIndex((byte) => byte !== 0) + 1;
    const names = found(content.subarray(0, end), all);
    if (names.length > 0) places[path] = names;
  }
  assert.deepEqual(places, {
    [`${data}/ca/seal.key`]: ["seal key"],
    [`${data}/identity/key.pem`]: ["node's key"],
    [`${data}/etcd/peer-pki/key.pem`]: ["etcd's key"],
    [`${out}/laptop-key.pem`]: ["issued key"],
  });

  await etcdctl(folders, "snapshot", "save", `${root}/snapshot`);
  const snapshot = await Deno.readFile(`${root}/snapshot`);
  assert.ok(characters(snapshot).includes("/etcd-ca/ca-key.der"));
  assert.deepEqual(found(snapshot, all), []);

  using client = node.client();
  const { kvs } = await client.call(kv, "range", { prefix: "/" });
  assert.ok(kvs.length > 6);
  for (const { key, value } of kvs) {
    assert.deepEqual(found(value, all), [], key);
  }
  const text = await hamlet(folders, "kv", "get", "/etcd-ca/ca-key.der");
  assert.deepEqual(found(text, all), []);
  for (const authority of AuthorityName.options) {
    const answer = await client.call(ca, "authority", { authority });
    assert.deepEqual(found(answer.certificate, all), []);
  }

  for (const { pid } of [...await processesOf(data), { pid: node.pid }]) {
    for (const file of ["environ", "cmdline"]) {
      const shown = await Deno.readFile(`/proc/${pid}/${file}`);
      assert.deepEqual(found(shown, all), []);
    }
  }
  assert.deepEqual(await node.stop(), { code: 0, signal: null }, node.text());
  assert.deepEqual(found(node.text(), all), []);
  assert.ok(
    node.text().includes(await serialOf(`${out}/laptop.pem`)),
    "The log does not even tell what was issued",
  );
  for (const path of [`${run}/hosts`, `${run}/machine-id`]) {
    assert.deepEqual(found(await Deno.readFile(path), all), []);
  }
});

Deno.test("every file and folder of a node has the mode and owner that it must have", async () => {
  // Whatever the umask is.
  for (const umask of ["000", "077"]) {
    await using folders = await nodeFolders();
    const prefix = ["sh", "-c", `umask ${umask}; exec "$0" "$@"`];
    {
      await using first = new NodeProcess(folders, { prefix });
      await first.ready();
      // Before that it has nothing to remember of its cluster.
      await first.logged(({ message }) => message.startsWith("Follows member"));
      assert.equal((await first.stop()).code, 0, first.text());
    }
    // Of an established node nothing is about to be written any more.
    await using node = new NodeProcess(folders, { prefix, newCluster: false });
    await node.ready();
    const { root, data, run } = folders;
    const modes: Record<string, string> = {};
    const look = async (path: string) => {
      const { mode, uid, isDirectory } = await Deno.lstat(path);
      assert.equal(uid, Deno.uid(), path);
      modes[path.slice(root.length + 1)] = ((mode ?? 0) & 0o7777).toString(8);
      // What is in there is etcd's.
      if (!isDirectory || path === `${data}/etcd/data`) return;
      for await (const { name } of Deno.readDir(path)) {
        await look(`${path}/${name}`);
      }
    };
    await look(data);
    await look(run);
    assert.deepEqual(modes, {
      "data": "700",
      "data/ca": "700",
      "data/ca/seal.key": "600",
      "data/curator": "700",
      "data/curator/cluster.json": "600",
      "data/etcd": "700",
      "data/etcd/bootstrapped": "600",
      "data/etcd/cluster-version": "600",
      "data/etcd/data": "700",
      "data/etcd/members.json": "600",
      "data/etcd/peer-crl": "700",
      "data/etcd/peer-crl/crl.der": "600",
      "data/etcd/peer-pki": "700",
      "data/etcd/peer-pki/ca.pem": "600",
      "data/etcd/peer-pki/cert.pem": "600",
      "data/etcd/peer-pki/key.pem": "600",
      "data/hostsfile": "700",
      "data/hostsfile/nodes.json": "600",
      "data/identity": "700",
      "data/identity/ca.pem": "600",
      "data/identity/cert.pem": "600",
      "data/identity/crl.der": "600",
      "data/identity/key.pem": "600",
      "data/lock": "600",
      "data/node.json": "600",
      "run": "755",
      "run/consensus": "700",
      // The socket of etcd has what the umask left; its folder is what keeps others out.
      "run/consensus/client.sock:0": modes["run/consensus/client.sock:0"],
      "run/hamlet.sock": "700",
      "run/hosts": "644",
      "run/lock": "600",
      "run/machine-id": "644",
    });
    assert.deepEqual(await node.stop(), { code: 0, signal: null }, node.text());
  }
});
