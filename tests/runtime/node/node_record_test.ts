import assert from "node:assert/strict";
import { createPrivateKey, createPublicKey } from "node:crypto";
import { StartError } from "../../../runtime/node/errors.ts";
import {
  generateIdentity,
  readIdentity,
  writeIdentity,
} from "../../../runtime/node/identity.ts";
import {
  type NodeFile,
  readNodeFile,
  writeNodeFile,
} from "../../../runtime/node/node_file.ts";
import {
  forgetJoinToken,
  writeJoinToken,
} from "../../../runtime/node/join_token.ts";
import { findNode } from "../../../runtime/node/node_record.ts";
import { tempFolder } from "../../support/temp.ts";
import { tree } from "./tree.ts";

/** A data folder with an identity, and with node.json where `file` says something. */
async function nodeFolder(file?: Partial<NodeFile>) {
  const folder = await tempFolder();
  await Deno.mkdir(`${folder.path}/identity`);
  const identity = await generateIdentity();
  await writeIdentity(folder.path, identity);
  if (file !== undefined) {
    await writeNodeFile(folder.path, {
      version: 2,
      role: "member",
      id: identity.id,
      origin: "new-cluster",
      peerPort: 7834,
      curatorPort: 7835,
      established: false,
      ...file,
    });
  }
  return {
    data: folder.path,
    identity,
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

async function refused(
  data: string,
  attempt: () => Promise<unknown>,
  exitCode: 1 | 2,
): Promise<string> {
  const before = await tree(data);
  const error = await attempt().then(
    () => undefined,
    (error: unknown) => error,
  );
  assert(error instanceof StartError, `Not refused: ${error}`);
  assert.equal(error.exitCode, exitCode);
  assert.deepEqual(await tree(data), before);
  return error.message;
}

Deno.test("writeIdentity() writes an Ed25519 key for its owner alone, and the ID follows from it", async () => {
  await using folder = await nodeFolder();
  const path = `${folder.data}/identity/key.pem`;
  assert.equal((await Deno.stat(path)).mode, 0o100600);
  const key = createPrivateKey(await Deno.readTextFile(path));
  assert.equal(key.asymmetricKeyType, "ed25519");
  const { x = "" } = createPublicKey(key).export({ format: "jwk" });
  const hex = Uint8Array.fromBase64(x, { alphabet: "base64url" }).subarray(
    0,
    16,
  ).toHex();
  assert.equal(folder.identity.machineId, hex);
  assert.equal(folder.identity.id, `hamlet-${hex}`);
  assert.deepEqual(await readIdentity(folder.data), folder.identity);
});

for (
  const [what, content] of [
    ["cut off", "-----BEGIN PRIVATE KEY-----\nMC4CAQ"],
    ["empty", ""],
    ["no key", "x\n"],
  ]
) {
  Deno.test(`readIdentity() refuses a key file that is ${what}`, async () => {
    await using folder = await nodeFolder({});
    await Deno.writeTextFile(`${folder.data}/identity/key.pem`, content ?? "");
    assert.match(
      await refused(folder.data, () => readIdentity(folder.data), 1),
      /key\.pem": it is no Ed25519 private key in PKCS #8 PEM; restore it from a backup/,
    );
  });
}

Deno.test("readIdentity() and readNodeFile() say that a folder is where a file belongs", async () => {
  await using folder = await nodeFolder();
  await Deno.remove(`${folder.data}/identity/key.pem`);
  await Deno.mkdir(`${folder.data}/identity/key.pem`);
  await Deno.mkdir(`${folder.data}/node.json`);
  for (const read of [readIdentity, readNodeFile]) {
    assert.match(
      await refused(folder.data, () => read(folder.data), 1),
      /^Cannot read .*": it is a folder, and a file belongs there; .*restore .* from a backup/,
    );
  }
});

Deno.test("readIdentity() refuses a key of another kind", async () => {
  await using folder = await nodeFolder({});
  const keys = await crypto.subtle.generateKey(
    { name: "ECDSA", namedCurve: "P-256" },
    true,
    ["sign"],
  );
  const der = new Uint8Array(
    await crypto.subtle.exportKey("pkcs8", keys.privateKey),
  );
  await Deno.writeTextFile(
    `${folder.data}/identity/key.pem`,
    `-----BEGIN PRIVATE KEY-----\n${der.toBase64()}\n-----END PRIVATE KEY-----\n`,
  );
  assert.match(
    await refused(folder.data, () => readIdentity(folder.data), 1),
    /no Ed25519 private key/,
  );
});

Deno.test("readIdentity() refuses a node without a key", async () => {
  await using folder = await nodeFolder({});
  await Deno.remove(`${folder.data}/identity/key.pem`);
  assert.match(
    await refused(folder.data, () => readIdentity(folder.data), 1),
    /key\.pem": it is missing; restore it/,
  );
});

Deno.test("readNodeFile() refuses what a newer Hamlet wrote, whatever is in it", async () => {
  await using folder = await nodeFolder({});
  await Deno.writeTextFile(
    `${folder.data}/node.json`,
    `{"version": 3, "id": 3}`,
  );
  assert.match(
    await refused(folder.data, () => readNodeFile(folder.data), 2),
    /a newer Hamlet made it, in format 3, and this one, \S+, knows formats up to 2; .* install that version again/,
  );
  await Deno.writeTextFile(
    `${folder.data}/node.json`,
    `{"version": 99, "hamlet": "7.1.0"}`,
  );
  assert.match(
    await refused(folder.data, () => readNodeFile(folder.data), 2),
    /a newer Hamlet, 7\.1\.0, made it, in format 99/,
  );
});

Deno.test("readNodeFile() reads what the first Hamlet wrote, which knew members alone", async () => {
  await using folder = await nodeFolder();
  const { id } = folder.identity;
  await Deno.writeTextFile(
    `${folder.data}/node.json`,
    `{"version": 1, "id": "${id}", "origin": "new-cluster", "peerPort": 1, "curatorPort": 2, "established": true}`,
  );
  assert.deepEqual(await readNodeFile(folder.data), {
    version: 2,
    id,
    origin: "new-cluster",
    role: "member",
    peerPort: 1,
    curatorPort: 2,
    established: true,
  });
});

for (const content of ["", "{}", `{"version": 1}`, "\0\0\0"]) {
  Deno.test(`readNodeFile() refuses ${JSON.stringify(content)} as damaged`, async () => {
    await using folder = await nodeFolder({});
    await Deno.writeTextFile(`${folder.data}/node.json`, content);
    assert.match(
      await refused(folder.data, () => readNodeFile(folder.data), 1),
      /node\.json": it is damaged/,
    );
  });
}

Deno.test("findNode() refuses the key of another node", async () => {
  await using folder = await nodeFolder({ id: `hamlet-${"0".repeat(32)}` });
  assert.match(
    await refused(folder.data, () => findNode(folder.data, "node", {}), 1),
    new RegExp(
      `it is node "hamlet-0+", and its identity/key\\.pem is that of "${folder.identity.id}"`,
    ),
  );
});

Deno.test("findNode() makes no node that it was not told to make", async () => {
  await using folder = await tempFolder();
  const said = await refused(
    folder.path,
    () => findNode(folder.path, "empty", {}),
    2,
  );
  assert.match(
    said,
    /is empty: start a new cluster with --new-cluster, or join one with --join, which a node never does by itself/,
  );
});

Deno.test("findNode() makes a new cluster where it is told to, and in dev by itself", async () => {
  await using folder = await tempFolder();
  for (const settings of [{ origin: "new-cluster" }, { dev: true }] as const) {
    const { origin, file } = await findNode(folder.path, "empty", settings);
    assert.deepEqual([origin, file], ["new-cluster", undefined]);
  }
});

Deno.test("findNode() takes up the identity of an interrupted first start", async () => {
  await using folder = await nodeFolder();
  const { identity } = await findNode(folder.data, "interrupted", {
    origin: "new-cluster",
  });
  assert.deepEqual(identity, folder.identity);
});

Deno.test("findNode() lets a first start be repeated word for word until the node has been ready", async () => {
  {
    await using folder = await nodeFolder({ established: false });
    await findNode(folder.data, "node", { origin: "new-cluster" });
    await findNode(folder.data, "node", {});
    assert.match(
      await refused(
        folder.data,
        () => findNode(folder.data, "node", { ...join, origin: "join" }),
        2,
      ),
      /without --join/,
    );
  }
  await using folder = await nodeFolder({ established: true });
  await findNode(folder.data, "node", {});
  await findNode(folder.data, "node", { dev: true });
  assert.match(
    await refused(
      folder.data,
      () => findNode(folder.data, "node", { origin: "new-cluster" }),
      2,
    ),
    new RegExp(
      `has a node already, "${folder.identity.id}": start it without --new-cluster`,
    ),
  );
});

/** Of a token, the runtime reads the role alone. */
const join = { origin: "join", joinToken: "hamlet1.worker.x.y.z" } as const;

Deno.test("findNode() makes a node of the token's role, and none with a token that it cannot read", async () => {
  await using folder = await tempFolder();
  const { role, origin, joinToken } = await findNode(
    folder.path,
    "empty",
    join,
  );
  assert.deepEqual({ origin, joinToken }, join);
  assert.equal(role, "worker");
  const saidOf = (joinToken: string) =>
    refused(
      folder.path,
      () => findNode(folder.path, "empty", { ...join, joinToken }),
      2,
    );
  for (const joinToken of ["secret", "hamlet2.worker.x", "hamlet1.king.x"]) {
    const said = await saidOf(joinToken);
    assert.match(said, /it is none that this Hamlet can read; print one/);
    assert(!said.includes(joinToken));
  }
  assert.match(await saidOf(""), /what was given is empty; print one/);
});

Deno.test("findNode() takes another token until the node has joined, and then none", async () => {
  await using folder = await nodeFolder({ origin: "join" });
  await writeJoinToken(folder.data, "hamlet1.member.old");
  const before = await findNode(folder.data, "node", join);
  assert.deepEqual([before.role, before.joinToken], ["worker", join.joinToken]);
  await forgetJoinToken(folder.data);
  await Deno.writeTextFile(`${folder.data}/identity/cert.pem`, "");
  const after = await findNode(folder.data, "node", join);
  assert.deepEqual([after.role, after.joinToken], ["member", undefined]);
});

Deno.test("findNode() refuses a node that its cluster has removed, and names hamlet reset", async () => {
  await using folder = await nodeFolder({ removed: "by admin" });
  const said = await refused(
    folder.data,
    () => findNode(folder.data, "node", {}),
    2,
  );
  assert.match(said, /the cluster has removed it \(by admin\).*`hamlet reset`/);
});
