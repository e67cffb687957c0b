/**
 * How long it takes from the commit of a revocation in etcd until the new revocation list is on disk, where etcd reads
 * it at its next handshake. Both are seen from outside the node: by a watch of etcd's, and by the kernel's of the file.
 */
import { Etcd3 } from "etcd3";
import { parseRevocationList } from "../../runtime/pki/revocation_list.ts";
import { ca } from "../../runtime/services/ca.ts";
import {
  nodeFolders,
  NodeProcess,
} from "../../tests/e2e/support/node_process.ts";
import { report } from "./report.ts";
import { rounds } from "./rounds.ts";

/** Somebody who waits for the list of a number, and when it came. */
type Waiting = Map<number, PromiseWithResolvers<number>>;

/** The list of this number is there; the time was taken before it was read. */
function settle(waiting: Waiting, der: Uint8Array, at: number): void {
  const { number } = parseRevocationList(der);
  waiting.get(number)?.resolve(at);
  waiting.delete(number);
}

async function followFile(
  watcher: Deno.FsWatcher,
  path: string,
  waiting: Waiting,
): Promise<void> {
  for await (const event of watcher) {
    const at = performance.now();
    if (event.paths.includes(path)) {
      settle(waiting, await Deno.readFile(path), at);
    }
  }
}

const count = rounds(100);
/** Lists that come before the first one that counts. */
const warmUp = 10;
await using folders = await nodeFolders();
await using node = new NodeProcess(folders);
await node.ready();
using client = node.client();

const committed: Waiting = new Map();
const written: Waiting = new Map();
using etcd = {
  client: new Etcd3({ hosts: `unix:${folders.run}/consensus/client.sock:0` }),
  [Symbol.dispose]() {
    this.client.close();
  },
};
const watch = await etcd.client.watch().key("/etcd-ca/crl.der").create();
watch.on("put", ({ value }) => settle(committed, value, performance.now()));
const path = `${folders.data}/etcd/peer-crl/crl.der`;
using watcher = Deno.watchFs(`${folders.data}/etcd/peer-crl`);
const following = followFile(watcher, path, written);

const latencies: number[] = [];
const calls: number[] = [];
const whole: number[] = [];
let { number } = await client.call(ca, "crl", { authority: "peer" });
for (let round = -warmUp; round < count; round += 1) {
  const { serial } = await client.call(ca, "issue", {
    authority: "peer",
    name: `bench-${round}`,
    addresses: [],
  });
  number += 1;
  const commit = Promise.withResolvers<number>();
  const file = Promise.withResolvers<number>();
  committed.set(number, commit);
  written.set(number, file);
  const begin = performance.now();
  await client.call(ca, "revoke", { authority: "peer", serial });
  const answered = performance.now();
  const [committedAt, writtenAt] = await Promise.all([
    commit.promise,
    file.promise,
  ]);
  if (round < 0) continue;
  latencies.push(writtenAt - committedAt);
  calls.push(answered - begin);
  whole.push(writtenAt - begin);
}
await watch.cancel();
watcher.close();
await following;

report("revocation", [
  {
    name: "commit to list on disk",
    unit: "ms",
    values: latencies,
    aim: { atMost: 20 },
  },
  {
    name: "commit to list on disk",
    unit: "ms",
    values: latencies,
    part: 0.99,
    aim: { atMost: 100 },
  },
  { name: "request to list on disk", unit: "ms", values: whole },
  { name: "request to answer", unit: "ms", values: calls },
]);
