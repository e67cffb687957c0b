import assert from "node:assert/strict";
import { StartError } from "../../../runtime/node/errors.ts";
import { FolderLock } from "../../../runtime/node/folder_lock.ts";
import { tempFolder } from "../../support/temp.ts";

Deno.test("FolderLock.take() holds the lock that others find, also where its file was removed meanwhile", async () => {
  await using folder = await tempFolder();
  const first = await FolderLock.take(folder.path);
  const taken = FolderLock.take(folder.path);
  // Once it has the file open, and waits for the lock.
  await openedTwice(`${folder.path}/lock`);
  await Deno.remove(`${folder.path}/lock`);
  first[Symbol.dispose]();
  using _second = await taken;
  await assert.rejects(FolderLock.refuseHeld(folder.path), StartError);
});

/** Resolves when this process has a file open more than once. */
async function openedTwice(path: string): Promise<void> {
  const real = await Deno.realPath(path);
  for (let opened = 0; opened < 2;) {
    opened = 0;
    for await (const { name } of Deno.readDir("/proc/self/fd")) {
      const target = await Deno.readLink(`/proc/self/fd/${name}`).catch(() =>
        ""
      );
      if (target === real) opened += 1;
    }
  }
}
