import assert from "node:assert/strict";
import { CommandError, run } from "../support/process.ts";
import { etcdctl } from "./support/etcdctl.ts";
import { hamlet } from "./support/hamlet.ts";
import {
  type NodeFolders,
  nodeFolders,
  NodeProcess,
} from "./support/node_process.ts";
import { openssl } from "./support/openssl.ts";

/** What curl got: an HTTP status, or how it was refused. */
type Answer = { readonly status: number } | { readonly refused: number };

/** curl's exit codes for a connection that ended without an answer, was reset, or a TLS alert. */
const REFUSALS = [52, 55, 56, 35];

/** Calls the peer port with a certificate, or without one. */
async function curl(
  folders: NodeFolders,
  path: string,
  certificate: string | undefined,
  ...args: string[]
): Promise<Answer> {
  const { peerPort } = JSON.parse(
    await Deno.readTextFile(`${folders.data}/node.json`),
  );
  try {
    const { stdout } = await run("curl", [
      // etcd refuses after the handshake: HTTP/2 would try again.
      ...["--silent", "--show-error", "--http1.1", "--max-time", "10"],
      ...["--cacert", `${folders.data}/etcd/peer-pki/ca.pem`],
      ...certificate === undefined ? [] : [
        ...["--cert", `${certificate}.pem`],
        ...["--key", `${certificate}-key.pem`],
      ],
      ...["--output", "/dev/null", "--write-out", "%{http_code}", ...args],
      `https://127.0.0.1:${peerPort}${path}`,
    ]);
    return { status: Number(stdout) };
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    assert.ok(REFUSALS.includes(error.code), error.message);
    return { refused: error.code };
  }
}

/** Makes another authority and a certificate of it for this address. */
async function foreignCertificate(path: string): Promise<void> {
  const authority = `${path}-ca`;
  await openssl(
    ...["req", "-x509", "-newkey", "ed25519", "-nodes", "-days", "2"],
    ...["-subj", "/CN=Hamlet peer authority"],
    ...["-keyout", `${authority}-key.pem`, "-out", `${authority}.pem`],
  );
  await openssl(
    ...["req", "-newkey", "ed25519", "-nodes", "-subj", "/CN=member"],
    ...["-keyout", `${path}-key.pem`, "-out", `${path}.csr`],
  );
  await openssl(
    ...["x509", "-req", "-in", `${path}.csr`, "-days", "2"],
    ...["-CA", `${authority}.pem`, "-CAkey", `${authority}-key.pem`],
    ...["-CAcreateserial", "-out", `${path}.pem`],
  );
}

Deno.test("the peer port is open to certificates of the peer authority alone, until they are revoked", async () => {
  await using folders = await nodeFolders();
  await using node = new NodeProcess(folders);
  await node.ready();
  const { root } = folders;
  const issue = (name: string, authority: string) =>
    hamlet(
      folders,
      ...["cert", "issue", name, "--ip", "127.0.0.1"],
      ...["--authority", authority, "--out", `${root}/${name}`],
    );
  await issue("operator", "cluster");
  await issue("member", "peer");
  await issue("other", "peer");
  await foreignCertificate(`${root}/foreign`);
  await etcdctl(folders, "put", "/guarded", "kept");
  const member = `${root}/member/member`;

  const outsiders = [
    undefined,
    `${root}/foreign`,
    `${root}/operator/operator`,
  ];
  for (const [index, outsider] of outsiders.entries()) {
    const answer = await curl(folders, "/version", outsider);
    assert.ok("refused" in answer, `${outsider} got in`);
    let refusals = 0;
    await node.logged(({ dn, message }) =>
      dn === "root.consensus.etcd" && message === "rejected connection" &&
      ++refusals > index
    );
  }
  // A message of raft, which could overwrite any key.
  const post = ["--data-binary", "\u0001"];
  const forged = await curl(
    folders,
    "/raft",
    `${root}/operator/operator`,
    ...post,
  );
  assert.ok("refused" in forged);
  assert.deepEqual(await curl(folders, "/version", member), { status: 200 });
  // etcd reads the message of a member, and finds that it is none.
  const read = await curl(folders, "/raft", member, ...post);
  assert.ok("status" in read && read.status >= 400, JSON.stringify(read));

  await hamlet(folders, "cert", "revoke", "member");
  const revoked = await openssl(
    ...["x509", "-in", `${member}.pem`, "-noout", "-serial"],
  );
  await node.logged(({ dn, message }) =>
    dn === "root.crl.peer" && message.includes("revocation list 2")
  );
  assert.ok(
    "refused" in await curl(folders, "/version", member),
    `${revoked} still gets in`,
  );
  assert.ok("refused" in await curl(folders, "/raft", member, ...post));
  // The others are none the worse for it.
  assert.deepEqual(
    await curl(folders, "/version", `${root}/other/other`),
    { status: 200 },
  );
  assert.equal(
    await etcdctl(folders, "get", "/guarded", "--print-value-only"),
    "kept\n",
  );
  assert.deepEqual(await node.stop(), { code: 0, signal: null }, node.text());
});

Deno.test("the peer port is open to a member under another address than its certificate's", async () => {
  await using folders = await nodeFolders();
  await using node = new NodeProcess(folders);
  await node.ready();
  const out = `${folders.root}/moved`;
  await hamlet(
    folders,
    ...["cert", "issue", "moved", "--ip", "192.0.2.9"],
    ...["--authority", "peer", "--out", out],
  );
  assert.deepEqual(
    await curl(folders, "/version", `${out}/moved`),
    { status: 200 },
  );
  assert.deepEqual(await node.stop(), { code: 0, signal: null }, node.text());
});

Deno.test("the peer port is open again soon after somebody removes the revocation list", async () => {
  await using folders = await nodeFolders();
  await using node = new NodeProcess(folders);
  await node.ready();
  const out = `${folders.root}/member`;
  await hamlet(
    folders,
    ...["cert", "issue", "member", "--ip", "127.0.0.1"],
    ...["--authority", "peer", "--out", out],
  );
  const { data } = folders;
  for (
    const [name, path] of [
      ["peer", `${data}/etcd/peer-crl/crl.der`],
      ["cluster", `${data}/identity/crl.der`],
    ] as const
  ) {
    const der = await Deno.readFile(path);
    await Deno.remove(path);
    await node.logged(({ dn, message }) =>
      dn === `root.crl.${name}` && message.startsWith(`Wrote "${path}" again`)
    );
    assert.deepEqual(await Deno.readFile(path), der);
  }
  assert.deepEqual(
    await curl(folders, "/version", `${out}/member`),
    { status: 200 },
  );
  assert.deepEqual(await node.stop(), { code: 0, signal: null }, node.text());
});

Deno.test("etcdctl sees one healthy member", async () => {
  await using folders = await nodeFolders();
  await using node = new NodeProcess(folders);
  const { node: { id } } = await node.ready();
  const health = JSON.parse(
    await etcdctl(folders, "endpoint", "health", "--write-out=json"),
  );
  assert.deepEqual(health.map((one: { health: boolean }) => one.health), [
    true,
  ]);
  const { members } = JSON.parse(
    await etcdctl(folders, "member", "list", "--write-out=json"),
  );
  assert.deepEqual(members.map(({ name }: { name: string }) => name), [id]);
  const { peerPort } = JSON.parse(
    await Deno.readTextFile(`${folders.data}/node.json`),
  );
  assert.deepEqual(members[0].peerURLs, [`https://127.0.0.1:${peerPort}`]);
  // Clients have the socket, and no port.
  assert.deepEqual(members[0].clientURLs, ["unix://client.sock:0"]);
  assert.equal(await etcdctl(folders, "alarm", "list"), "");
  assert.deepEqual(await node.stop(), { code: 0, signal: null }, node.text());
});
