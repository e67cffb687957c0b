import assert from "node:assert/strict";
import { FatalError } from "../../../mod.ts";
import { KnownClusterVersion } from "../../../plugins/consensus/cluster_version.ts";
import { parseEtcdVersion } from "../../../plugins/consensus/etcd_version.ts";
import { startEtcd } from "../../support/etcd.ts";
import { tempFolder } from "../../support/temp.ts";

/** What is known where the file has this content. */
async function known(text?: string): Promise<KnownClusterVersion> {
  await using folder = await tempFolder();
  const path = `${folder.path}/cluster-version`;
  if (text !== undefined) await Deno.writeTextFile(path, text);
  return await KnownClusterVersion.open(path);
}

const etcd = (version: string) => parseEtcdVersion(`etcd Version: ${version}`);

Deno.test("KnownClusterVersion.check() lets etcd go up one minor version, and change its patch", async () => {
  for (const version of ["3.4.23", "3.4.0", "3.5.24"]) {
    (await known("3.4\n")).check(etcd(version), "/d");
  }
  (await known()).check(etcd("3.6.0"), "/d");
});

for (
  const [version, says] of [
    [
      "3.6.6",
      /etcd 3\.6\.6 on "\/d", which is at etcd 3\.4: .*with etcd 3\.5 first/,
    ],
    ["4.0.0", /one minor version at a time/],
  ] as const
) {
  Deno.test(`KnownClusterVersion.check() refuses etcd ${version} on data of 3.4`, async () => {
    const version34 = await known("3.4\n");
    assert.throws(() => version34.check(etcd(version), "/d"), (error) => {
      assert.ok(error instanceof FatalError);
      assert.match(error.message, says);
      return true;
    });
  });
}

Deno.test("KnownClusterVersion.check() refuses to go back", async () => {
  for (const text of ["3.5\n", "4.0\n"]) {
    const newer = await known(text);
    assert.throws(
      () => newer.check(etcd("3.4.23"), "/d"),
      /which is at etcd \d\.\d: etcd does not go back; .* give etcd \d\.\d or \d\.\d with --etcd/,
    );
  }
});

Deno.test("KnownClusterVersion.admit() lets in what the members can work with, and anything while nothing is known", async () => {
  for (const version of ["3.4.23", "3.5.24"]) {
    (await known("3.4\n")).admit(version);
  }
  (await known()).admit("3.6.6");
});

for (const version of ["3.6.6", "3.3.27", "4.4.0", "new"]) {
  Deno.test(`KnownClusterVersion.admit() refuses etcd ${version} where the members are at 3.4`, async () => {
    const version34 = await known("3.4\n");
    assert.throws(() => version34.admit(version), {
      name: "ServiceError",
      code: "invalid-argument",
      message:
        /The members are at etcd 3\.4 and cannot work with etcd .* give etcd 3\.4 or 3\.5 with --etcd$/,
    });
  });
}

for (const text of ["", "3", "3.4.x", "not_decided"]) {
  Deno.test(`KnownClusterVersion.open() refuses ${JSON.stringify(text)}`, async () => {
    await assert.rejects(known(text), {
      name: "FatalError",
      message: /cluster-version": it does not say a version of etcd; write/,
    });
  });
}

Deno.test("KnownClusterVersion.look() asks etcd, and writes down what is news", async () => {
  await using running = await startEtcd();
  const path = `${running.folder}/cluster-version`;
  const version = await KnownClusterVersion.open(path);
  // etcd serves before its only member has agreed with itself.
  let now = await version.look(running.socket);
  while (now === undefined) now = await version.look(running.socket);
  assert.equal(now.major, 3);
  assert.equal(
    await Deno.readTextFile(path),
    `${now.major}.${now.minor}\n`,
  );
  assert.equal(await version.look(running.socket), undefined);
  const again = await KnownClusterVersion.open(path);
  assert.equal(await again.look(running.socket), undefined);
  await Deno.writeTextFile(path, "3.3\n");
  const older = await KnownClusterVersion.open(path);
  assert.deepEqual(await older.look(running.socket), now);
});

Deno.test("KnownClusterVersion.look() rejects where etcd does not answer, and keeps what is known", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/cluster-version`;
  await Deno.writeTextFile(path, "3.4\n");
  const version = await KnownClusterVersion.open(path);
  await assert.rejects(version.look(`${folder.path}/none.sock`));
  assert.equal(await Deno.readTextFile(path), "3.4\n");
});
