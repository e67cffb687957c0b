import assert from "node:assert/strict";
import { ca } from "../../runtime/services/ca.ts";
import { readKeys } from "./support/etcdctl.ts";
import { hamlet } from "./support/hamlet.ts";
import {
  type NodeFolders,
  nodeFolders,
  NodeProcess,
} from "./support/node_process.ts";
import { serialOf, verifyCertificate, verifyList } from "./support/openssl.ts";
import { rounds } from "./support/rounds.ts";

/** How many certificates are revoked at once, each by a process of its own. */
const AT_ONCE = 20;

/** Waits until the newest list is on disk, and gives the serials on it after openssl has verified it. */
async function listed(
  folders: NodeFolders,
  node: NodeProcess,
): Promise<string[]> {
  using client = node.client();
  const { number, der } = await client.call(ca, "crl", { authority: "peer" });
  await node.logged(({ dn, message }) =>
    dn === "root.crl.peer" && message === `Wrote revocation list ${number}`
  );
  const { data } = folders;
  const path = `${data}/etcd/peer-crl/crl.der`;
  assert.deepEqual(await Deno.readFile(path), new Uint8Array(der));
  const stored = (await readKeys(folders, "/etcd-ca/crl.der"))
    .get("/etcd-ca/crl.der");
  assert.deepEqual(stored, new Uint8Array(der));
  return await verifyList(path, `${data}/etcd/peer-pki/ca.pem`);
}

Deno.test("revocations at the same time all end up in the list, in etcd and on disk", async () => {
  await using folders = await nodeFolders();
  await using node = new NodeProcess(folders);
  await node.ready();
  using client = node.client();
  const expected: string[] = [];
  for (let round = 0; round < rounds(5); round++) {
    const names = Array.from({ length: AT_ONCE }, (_, n) => `r${round}-${n}`);
    const issued = await Promise.all(
      names.map((name) =>
        client.call(ca, "issue", {
          authority: "peer",
          name,
          addresses: ["192.0.2.1"],
        })
      ),
    );
    await Promise.all(names.map((name, n) =>
      hamlet(
        folders,
        ...["cert", "revoke"],
        // By name or by number, all the same.
        n % 2 === 0 ? name : issued[n]?.serial ?? "",
      )
    ));
    expected.push(...issued.map(({ serial }) => serial));
    assert.deepEqual(
      (await listed(folders, node)).sort(),
      expected.toSorted(),
    );
  }
  const { certificates } = await client.call(ca, "list", {});
  assert.deepEqual(
    certificates.filter(({ revoked }) => revoked).map(({ serial }) => serial)
      .sort(),
    expected.toSorted(),
  );
  assert.deepEqual(await node.stop(), { code: 0, signal: null }, node.text());
});

Deno.test("a revoked name takes all its certificates with it, and revoking again changes nothing", async () => {
  await using folders = await nodeFolders();
  await using node = new NodeProcess(folders);
  await node.ready();
  using client = node.client();
  const issue = async (name: string) => {
    const { serial } = await client.call(ca, "issue", {
      authority: "peer",
      name,
      addresses: [],
    });
    return serial;
  };
  const twice = [await issue("twice"), await issue("twice")];
  await issue("once");
  await hamlet(folders, "cert", "revoke", "twice");
  assert.deepEqual((await listed(folders, node)).sort(), twice.toSorted());
  await hamlet(folders, "cert", "revoke", "twice");
  assert.deepEqual((await listed(folders, node)).sort(), twice.toSorted());
  await assert.rejects(hamlet(folders, "cert", "revoke", "nobody"), /nobody/);
  assert.deepEqual(await node.stop(), { code: 0, signal: null }, node.text());
});

Deno.test("openssl verifies every certificate and list that a node makes", async () => {
  await using folders = await nodeFolders();
  await using node = new NodeProcess(folders);
  await node.ready();
  const { root, data } = folders;
  const authorities = { peer: "", cluster: "" };
  for (const authority of ["peer", "cluster"] as const) {
    const out = `${root}/${authority}`;
    await hamlet(
      folders,
      ...["cert", "issue", "laptop", "--ip", "192.0.2.7,2001:db8::7"],
      ...["--authority", authority, "--out", out],
    );
    authorities[authority] = `${out}/ca.pem`;
    await verifyCertificate(`${out}/laptop.pem`, `${out}/ca.pem`);
    const mode = (await Deno.stat(`${out}/laptop-key.pem`)).mode ?? 0;
    assert.equal(mode & 0o777, 0o600);
  }
  const { peer, cluster } = authorities;
  await verifyCertificate(`${data}/etcd/peer-pki/cert.pem`, peer);
  // Neither authority's certificate passes for one of the other.
  await assert.rejects(verifyCertificate(`${root}/cluster/laptop.pem`, peer));
  await assert.rejects(verifyCertificate(`${root}/peer/laptop.pem`, cluster));

  await hamlet(folders, "cert", "revoke", "laptop");
  for (
    const [name, path] of [
      ["peer", `${data}/etcd/peer-crl/crl.der`],
      ["cluster", `${data}/identity/crl.der`],
    ] as const
  ) {
    await node.logged(({ dn, message }) =>
      dn === `root.crl.${name}` && message === "Wrote revocation list 2"
    );
    assert.deepEqual(await verifyList(path, authorities[name]), [
      await serialOf(`${root}/${name}/laptop.pem`),
    ]);
  }
  assert.deepEqual(await node.stop(), { code: 0, signal: null }, node.text());
});
