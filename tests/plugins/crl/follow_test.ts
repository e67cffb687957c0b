import assert from "node:assert/strict";
import type { Logger } from "hamlet";
import { createAuthority } from "../../../plugins/ca/authority.ts";
import { signRevocationList } from "../../../plugins/ca/revocation_list.ts";
import { follow } from "../../../plugins/crl/follow.ts";
import { supervise } from "../../../runtime/supervisor/mod.ts";
import { startEtcd } from "../../support/etcd.ts";
import { tempFolder } from "../../support/temp.ts";
import { openStore } from "../store.ts";

const KEY = "/etcd-ca/crl.der";
const { authority } = await createAuthority("peer");

function list(number: number): Promise<Uint8Array<ArrayBuffer>> {
  return signRevocationList(authority, { number, revoked: [] });
}

/** What happens, in order. */
class Events {
  readonly #seen: string[] = [];
  #wake = () => {};

  tell(event: string): void {
    this.#seen.push(event);
    this.#wake();
  }

  /** Waits for an event that matches, and forgets it and all before it. */
  async until(pattern: RegExp): Promise<string[]> {
    for (;;) {
      const index = this.#seen.findIndex((event) => pattern.test(event));
      if (index >= 0) return this.#seen.splice(0, index + 1);
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      this.#wake = resolve;
      const late = new Error(`Not within 20 s: ${pattern}\n${this.#seen}`);
      const timer = setTimeout(() => reject(late), 20_000);
      await promise.finally(() => clearTimeout(timer));
    }
  }
}

/** One etcd, and one list that is followed from there under the real supervisor. */
async function start() {
  await using cleanup = new AsyncDisposableStack();
  const etcdFolder = cleanup.use(await tempFolder()).path;
  let etcd = await startEtcd({ folder: etcdFolder });
  cleanup.defer(() => etcd[Symbol.asyncDispose]());
  const writer = cleanup.use(openStore(etcd.socket)).client;
  const reader = cleanup.use(openStore(etcd.socket, [KEY], "read")).client;
  const folder = `${cleanup.use(await tempFolder()).path}/peer-crl`;
  await Deno.mkdir(folder);
  const path = `${folder}/crl.der`;
  const events = new Events();
  const say = (level: string) => (message: string) =>
    events.tell(`${level}: ${message}`);
  const log: Logger = {
    debug: say("debug"),
    info: say("info"),
    warn: say("warning"),
    error: say("error"),
  };
  const report = (problem?: string) =>
    events.tell(`report: ${problem ?? "equal"}`);
  const supervisor = supervise(follow(reader, KEY, path, report), {
    log: () => log,
    backoff: { initial: 10 },
  });
  cleanup.defer(() => supervisor.cancel());
  const end = cleanup.move();
  return {
    events,
    folder,
    path,
    put: async (value: Uint8Array<ArrayBuffer>) =>
      await writer.put({ key: KEY, value }),
    delete: async () => await writer.delete({ key: KEY }),
    /** Kills etcd and starts it again with its data. */
    async restartEtcd() {
      await etcd[Symbol.asyncDispose]();
      etcd = await startEtcd({ folder: etcdFolder });
    },
    [Symbol.asyncDispose]: () => end.disposeAsync(),
  };
}

Deno.test("follow() reports a missing list, and writes the first and each newer one", async () => {
  await using crl = await start();
  await crl.events.until(/^report: Nothing is under "\/etcd-ca\/crl.der"$/);
  for (const number of [1, 2, 3]) {
    const der = await list(number);
    await crl.put(der);
    await crl.events.until(/^report: equal$/);
    assert.deepEqual(await Deno.readFile(crl.path), der);
  }
});

Deno.test("follow() keeps the file and says so when the key holds no newer list", async () => {
  await using crl = await start();
  const der = await list(5);
  await crl.put(der);
  await crl.events.until(/^report: equal$/);
  for (
    const [bytes, problem] of [[await list(4), /number 4, the file has 5$/], [
      new Uint8Array(9),
      /9 bytes/,
    ]] as const
  ) {
    await crl.put(bytes);
    const events = await crl.events.until(/^report: Cannot replace/);
    assert.match(events.at(-1) ?? "", problem);
    await crl.events.until(/^error: Cannot replace/);
    assert.deepEqual(await Deno.readFile(crl.path), der);
  }
  await crl.delete();
  await crl.events.until(/^error: Nothing is under/);
  assert.deepEqual(await Deno.readFile(crl.path), der);
  await crl.put(await list(6));
  await crl.events.until(/^report: equal$/);
});

Deno.test("follow() goes on when etcd has been away", async () => {
  await using crl = await start();
  await crl.put(await list(1));
  await crl.events.until(/^report: equal$/);
  await crl.restartEtcd();
  const der = await list(2);
  await crl.put(der);
  const events = await crl.events.until(/^report: equal$/);
  assert.deepEqual(await Deno.readFile(crl.path), der);
  assert.deepEqual(events, ["info: Wrote revocation list 2", "report: equal"]);
});

Deno.test("follow() starts again when it cannot write, and then catches up", async () => {
  await using crl = await start();
  await crl.events.until(/^report: Nothing/);
  await Deno.remove(crl.folder, { recursive: true });
  const der = await list(1);
  await crl.put(der);
  await crl.events.until(/^report: .*No such file/);
  await Deno.mkdir(crl.folder);
  await crl.events.until(/^report: equal$/);
  assert.deepEqual(await Deno.readFile(crl.path), der);
});

Deno.test("follow() writes the list again when somebody removes or replaces it, and says so", async () => {
  await using crl = await start();
  const der = await list(1);
  await crl.put(der);
  await crl.events.until(/^report: equal$/);
  await Deno.remove(crl.path);
  await crl.events.until(/^warning: Wrote ".*" again: .* removed it/);
  assert.deepEqual(await Deno.readFile(crl.path), der);
  await Deno.writeFile(crl.path, await list(0));
  await crl.events.until(/^warning: Wrote ".*" again: .* changed it/);
  assert.deepEqual(await Deno.readFile(crl.path), der);
});

Deno.test("follow() reports that it cannot write the list again, until it can", async () => {
  await using crl = await start();
  const der = await list(1);
  await crl.put(der);
  await crl.events.until(/^report: equal$/);
  await Deno.remove(crl.folder, { recursive: true });
  await crl.events.until(/^report: .*No such file/);
  await Deno.mkdir(crl.folder);
  await crl.events.until(/^report: equal$/);
  assert.deepEqual(await Deno.readFile(crl.path), der);
});
