import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { writePending } from "../../../plugins/ca/pending.ts";
import {
  openState,
  type StateFiles,
  type StateOnDisk,
} from "../../../plugins/ca/state_on_disk.ts";
import { tempFolder } from "../../support/temp.ts";

const filesIn = (folder: string): StateFiles => ({
  pending: `${folder}/pending.json`,
  sealKey: `${folder}/seal.key`,
});

/** The certificates of pending authorities. */
function certificates(state: StateOnDisk): string[] {
  assert(state.kind === "pending");
  const { peer, cluster } = state.pending;
  return [peer, cluster].map(({ authority }) => authority.certificate.toHex());
}

Deno.test("openState() makes two authorities on the first node of a new cluster", async () => {
  await using folder = await tempFolder();
  const files = filesIn(folder.path);
  const [peer, cluster] = certificates(await openState(files, "make"));
  assert.notEqual(peer, cluster);
  for (const path of [files.pending, files.sealKey]) {
    assert.equal((Deno.statSync(path).mode ?? 0) & 0o777, 0o600);
  }
  assert.equal(Deno.statSync(files.sealKey).size, 32);
});

Deno.test("openState() says that a folder is where a file belongs", async () => {
  await using folder = await tempFolder();
  const files = filesIn(folder.path);
  await Deno.mkdir(files.sealKey);
  await assert.rejects(openState(files, "lost"), {
    name: "FatalError",
    message: /seal\.key": it is a folder, and a file belongs there; restore/,
  });
});

Deno.test("openState() gets the seal key on a node that joins, once, and makes no authority", async () => {
  await using folder = await tempFolder();
  const files = filesIn(folder.path);
  const fail = () => Promise.reject(new Error("Nobody answers"));
  await assert.rejects(openState(files, fail), /Nobody answers/);
  assert.deepEqual([...Deno.readDirSync(folder.path)], []);
  const sealKey = crypto.getRandomValues(new Uint8Array(32));
  const committed = { kind: "committed", sealKey };
  assert.deepEqual(
    await openState(files, () => Promise.resolve(sealKey)),
    committed,
  );
  assert.equal((Deno.statSync(files.sealKey).mode ?? 0) & 0o777, 0o600);
  assert.deepEqual(await openState(files, fail), committed);
  assert.equal(existsSync(files.pending), false);
});

Deno.test("openState() makes no authority on a node that has been ready once", async () => {
  await using folder = await tempFolder();
  await assert.rejects(openState(filesIn(folder.path), "lost"), {
    name: "FatalError",
    message: /copy ".*\/seal\.key" from another member, or from a backup$/,
  });
  assert.deepEqual([...Deno.readDirSync(folder.path)], []);
});

Deno.test("openState() makes new authorities where the old ones were not handed out yet", async () => {
  await using folder = await tempFolder();
  const files = filesIn(folder.path);
  const before = certificates(await openState(files, "make"));
  await Deno.remove(files.sealKey);
  const after = certificates(await openState(files, "make"));
  assert.equal(new Set([...before, ...after]).size, 4);
  assert.deepEqual(certificates(await openState(files, "make")), after);
});

Deno.test("openState() goes on with pending authorities and all that they issued", async () => {
  await using folder = await tempFolder();
  const files = filesIn(folder.path);
  const first = await openState(files, "make");
  assert(first.kind === "pending");
  const record = {
    name: "n",
    addresses: ["::1"],
    issuedAt: "2026-11-21T00:00:00Z",
  };
  const { peer, cluster } = first.pending;
  await writePending(files.pending, {
    peer: { ...peer, certificates: new Map([["4a", record]]) },
    cluster,
  });
  const again = await openState(files, "make");
  assert(again.kind === "pending");
  assert.deepEqual(certificates(again), certificates(first));
  assert.deepEqual(again.pending.peer.certificates.get("4a"), record);
  assert.deepEqual(
    again.pending.cluster.revocationList,
    cluster.revocationList,
  );
});

Deno.test("openState() looks in etcd for authorities of which only the seal key is there", async () => {
  await using folder = await tempFolder();
  const files = filesIn(folder.path);
  await Deno.writeFile(files.sealKey, new Uint8Array(32));
  assert.deepEqual(await openState(files, "make"), {
    kind: "committed",
    sealKey: new Uint8Array(32),
  });
  assert(!existsSync(files.pending));
});

Deno.test("openState() makes nothing new where its files do not fit together", async () => {
  await using folder = await tempFolder();
  const files = filesIn(folder.path);
  await openState(files, "make");
  const pending = await Deno.readTextFile(files.pending);
  const broken: [string, Uint8Array | string][] = [
    [files.sealKey, new Uint8Array(32)],
    [files.sealKey, new Uint8Array(31)],
    [files.pending, pending.slice(0, -1)],
    [files.pending, "{}"],
    [files.pending, pending.replace('"sealedKey":"', '"sealedKey":"!')],
  ];
  const sealKey = await Deno.readFile(files.sealKey);
  for (const [path, content] of broken) {
    await Deno.writeTextFile(files.pending, pending);
    await Deno.writeFile(files.sealKey, sealKey);
    await Deno.writeFile(
      path,
      typeof content === "string" ? new TextEncoder().encode(content) : content,
    );
    await assert.rejects(openState(files, "make"), {
      name: "FatalError",
      message:
        /^Cannot (read the authorities in .*: restore both files|use the seal key in .* it has 31 bytes)/,
    });
  }
});
