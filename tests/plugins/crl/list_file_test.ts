import assert from "node:assert/strict";
import { createAuthority } from "../../../plugins/ca/authority.ts";
import { signRevocationList } from "../../../plugins/ca/revocation_list.ts";
import { ListFile } from "../../../plugins/crl/list_file.ts";
import { tempFolder } from "../../support/temp.ts";

const { authority } = await createAuthority("peer");
const { authority: other } = await createAuthority("peer");

/** A list with its number and as many serials. */
function list(number: number, by = authority): Promise<Uint8Array> {
  return signRevocationList(by, {
    number,
    revoked: Array.from({ length: number }, (_, index) => ({
      serial: (index + 1).toString(16),
      revokedAt: new Date(),
    })),
  });
}

Deno.test("update() writes the first list, and each with a higher number", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/crl.der`;
  const file = await ListFile.open(path);
  for (const number of [1, 2, 200]) {
    const der = await list(number);
    assert.equal((await file.update(der))?.number, number);
    assert.deepEqual(await Deno.readFile(path), der);
  }
  const { mode } = await Deno.stat(path);
  assert.equal((mode ?? 0) & 0o777, 0o600);
  assert.deepEqual([...Deno.readDirSync(folder.path)].length, 1);
});

Deno.test("update() does not touch the file for a list that is equal", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/crl.der`;
  const der = await list(3);
  await (await ListFile.open(path)).update(der);
  const { ino } = await Deno.stat(path);
  assert.equal(await (await ListFile.open(path)).update(der), undefined);
  assert.equal((await Deno.stat(path)).ino, ino);
});

Deno.test("update() refuses what is not a newer list of the same authority, and keeps the file", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/crl.der`;
  const der = await list(5);
  await (await ListFile.open(path)).update(der);
  const file = await ListFile.open(path);
  const refused: [Uint8Array, RegExp][] = [
    [await list(4), /has number 4, the file has 5$/],
    [
      await signRevocationList(authority, { number: 5, revoked: [] }),
      /has number 5, the file has 5$/,
    ],
    [
      await list(6, other),
      /is of authority [0-9a-f]{40}, the file of [0-9a-f]{40}; if that one is damaged, stop the node, remove it/,
    ],
    [new Uint8Array(), /Cannot read a revocation list of 0 bytes/],
    [der.subarray(1), /Cannot read a revocation list/],
  ];
  for (const [bytes, message] of refused) {
    await assert.rejects(file.update(bytes), {
      name: "RefusedListError",
      message,
    });
    assert.deepEqual(await Deno.readFile(path), der);
  }
  assert.equal((await file.update(await list(6)))?.number, 6);
});

Deno.test("update() replaces a file that is not a list", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/crl.der`;
  await Deno.writeTextFile(path, "not DER");
  const file = await ListFile.open(path);
  assert.equal((await file.update(await list(1)))?.number, 1);
});

Deno.test("restore() puts back a list that was removed, replaced or written over, and touches no other", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/crl.der`;
  const file = await ListFile.open(path);
  assert.equal(await file.restore(), undefined, "Nothing is known to put back");
  await Deno.writeTextFile(path, "not DER");
  const der = await list(3);
  await file.update(der);

  const { ino } = await Deno.stat(path);
  for (let look = 0; look < 3; look++) {
    assert.equal(await file.restore(), undefined);
  }
  await Deno.utime(path, 0, 0);
  assert.equal(await file.restore(), undefined);
  assert.equal((await Deno.stat(path)).ino, ino, "It was written for nothing");

  const newer = await list(4);
  const deeds: [string, () => Promise<unknown>][] = [
    ["removed", () => Deno.remove(path)],
    ["changed", () => Deno.writeFile(path, newer)],
    ["changed", () => Deno.truncate(path)],
    ["changed", async () => {
      await Deno.writeFile(`${path}.other`, newer);
      await Deno.rename(`${path}.other`, path);
    }],
  ];
  for (const [found, deed] of deeds) {
    await deed();
    assert.equal(await file.restore(), found);
    assert.deepEqual(await Deno.readFile(path), der);
    assert.equal(await file.restore(), undefined);
  }
  assert.deepEqual([...Deno.readDirSync(folder.path)].length, 1);
});

Deno.test("restore() and update() at once leave the newest list", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/crl.der`;
  const file = await ListFile.open(path);
  await file.update(await list(1));
  await Deno.remove(path);
  const der = await list(2);
  await Promise.all([file.restore(), file.update(der), file.restore()]);
  assert.deepEqual(await Deno.readFile(path), der);
});
