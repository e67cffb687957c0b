/**
 * What the curator does under load, seen from outside by clients of gRPC.
 *
 * How long somebody whose certificate is revoked can go on: three members, each with an open `Watch`; from the request of
 * the revocation until the last member has ended its stream, and until the last one refuses a new call.
 *
 * And a member with 10,000 nodes and 1,000 streams, each with a connection of its own: from the request that changes a
 * node until the last stream has it. This program reads all of them in one thread, and its own time is part of that.
 */
import { setTimeout as delay } from "node:timers/promises";
import { fromBinary } from "@bufbuild/protobuf";
import { deferGoaway } from "../../mod.ts";
import { Code } from "../../plugins/curator/grpc/rpc_error.ts";
import {
  WatchEvent_Progress,
  WatchEventSchema,
} from "../../proto/gen/metropolis/node/core/curator/proto/api/api_pb.ts";
import type { AdminClient } from "../../runtime/admin/client.ts";
import { ca } from "../../runtime/services/ca.ts";
import { members } from "../../tests/cluster/support/grow.ts";
import { Lab } from "../../tests/cluster/support/lab.ts";
import {
  nodeFolders,
  NodeProcess,
} from "../../tests/e2e/support/node_process.ts";
import { enterNetwork } from "./cluster/enter_network.ts";
import { record, recordedNodes } from "./cluster/node_records.ts";
import { poll } from "./cluster/poll.ts";
import {
  CuratorConnection,
  type CuratorEndpoint,
  curatorsOf,
  issueOperator,
  type WatchStream,
} from "./cluster/watch_stream.ts";
import { memoryOf, processorTimeOf } from "./proc.ts";
import { type Figure, report } from "./report.ts";
import { rounds } from "./rounds.ts";

/** How long a revoked operator could go on, milliseconds. */
interface CutOff {
  readonly ended: number;
  readonly refused: number;
}

async function cutOff(
  client: AdminClient,
  endpoints: readonly CuratorEndpoint[],
  name: string,
): Promise<CutOff> {
  using cleanup = new DisposableStack();
  const operator = await issueOperator(client, name);
  const connect = () =>
    endpoints.map((endpoint) =>
      cleanup.use(new CuratorConnection(endpoint, operator))
    );
  const streams = connect().map((connection) => connection.watch());
  await Promise.all(streams.map((stream) => stream.next()));
  // A connection that has an open stream is ended with that.
  const others = connect();
  await Promise.all(others.map((connection) => firstAnswer(connection)));

  const begin = performance.now();
  const lastOf = (times: readonly number[]) => Math.max(...times) - begin;
  const [ends, refusals] = await Promise.all([
    Promise.all(streams.map((stream) => stream.ended)),
    Promise.all(others.map((connection) =>
      poll(async () => {
        const refused =
          await firstAnswer(connection) === Code.PERMISSION_DENIED;
        return refused ? performance.now() : undefined;
      })
    )),
    client.call(ca, "revoke", {
      authority: "cluster",
      serial: operator.serial,
    }),
  ]);
  return {
    ended: lastOf(ends.map(({ at }) => at)),
    refused: lastOf(refusals),
  };
}

/** Calls once: the status code of the refusal, or undefined where there is an answer. */
async function firstAnswer(
  connection: CuratorConnection,
): Promise<number | undefined> {
  const stream = connection.watch();
  const answered = stream.next().then(() => undefined);
  const code = await Promise.race([
    answered.catch(() => stream.ended.then(({ code }) => code)),
    stream.ended.then(({ code }) => code),
  ]);
  stream.cancel();
  return code;
}

async function measureCutOff(count: number): Promise<Figure[]> {
  await using lab = await Lab.open();
  const hosts = await members(lab, "one", "two", "three");
  const [{ client }] = hosts;
  enterNetwork(lab.wires.pid);
  const endpoints = await poll(async () => {
    const found = await curatorsOf(client);
    return found.length === hosts.length ? found : undefined;
  });
  const found: CutOff[] = [];
  for (let round = -1; round < count; round += 1) {
    const times = await cutOff(client, endpoints, `bench-${round}`);
    // The first round warms up.
    if (round >= 0) found.push(times);
  }
  for (const host of hosts) await host.node.stop();
  return (["ended", "refused"] as const).flatMap((kind): Figure[] => {
    const name = kind === "ended"
      ? "revoked to open streams ended on all members"
      : "revoked to calls refused on all members";
    const values = found.map((times) => times[kind]);
    return [
      { name, unit: "ms", values },
      { name, unit: "ms", values, part: 0.99, aim: { atMost: 1_000 } },
    ];
  });
}

const NODES = 10_000;
const STREAMS = 1_000;
/** Milliseconds in which V8 collects what nobody needs any more. */
const SETTLING = 30_000;
/** Streams that are opened at the same time. */
const AT_ONCE = 32;

/** Reads what there is, and tells in how many messages it comes. */
async function readBacklog(stream: WatchStream): Promise<number> {
  for (let messages = 1;; messages += 1) {
    const { message } = await stream.next();
    const { progress } = fromBinary(WatchEventSchema, message);
    if (progress === WatchEvent_Progress.LAST_BACKLOGGED) return messages;
  }
}

/** Waits for the message that tells of a node: when it came, of the clock of `performance`. */
async function readUntil(stream: WatchStream, id: string): Promise<number> {
  for (;;) {
    const { message, at } = await stream.next();
    if (message.includes(id)) return at;
  }
}

async function measureStreams(count: number): Promise<Figure[]> {
  await using folders = await nodeFolders();
  await using node = new NodeProcess(folders);
  await node.ready();
  using client = node.client();
  using cleanup = new DisposableStack();
  const nodes = recordedNodes(NODES);
  await record(client, nodes);
  const [endpoint] = await curatorsOf(client);
  if (endpoint === undefined) throw new Error("There is no curator");
  const operator = await issueOperator(client, "bench");
  const open = () =>
    cleanup.use(new CuratorConnection(endpoint, operator)).watch();
  const messages = await readBacklog(open());

  const memory = (await memoryOf(node.pid)).resident;
  const processor = await processorTimeOf(node.pid);
  const opening = performance.now();
  const streams: WatchStream[] = [];
  await Promise.all(Array.from({ length: AT_ONCE }, async (_, first) => {
    for (let index = first; index < STREAMS; index += AT_ONCE) {
      const stream = open();
      streams.push(stream);
      for (let read = 0; read < messages; read += 1) await stream.next();
    }
  }));
  const opened = performance.now() - opening;
  const openedWith = await processorTimeOf(node.pid) - processor;

  const latencies: number[] = [];
  let changedWith = await processorTimeOf(node.pid);
  for (const changed of recordedNodes(count + 1, NODES)) {
    const got = Promise.all(
      streams.map((stream) => readUntil(stream, changed.id)),
    );
    const begin = performance.now();
    await record(client, [changed]);
    latencies.push(Math.max(...await got) - begin);
    // The first change warms up.
    if (latencies.length === 1) {
      changedWith = await processorTimeOf(node.pid);
    }
  }
  changedWith = await processorTimeOf(node.pid) - changedWith;
  latencies.shift();
  // What the start of so many has left is collected by now.
  await delay(SETTLING);
  const grown = (await memoryOf(node.pid)).resident - memory;
  for (const stream of streams) stream.cancel();
  await node.stop();
  const many = `of ${STREAMS} streams`;
  return [
    {
      name: `a change among ${NODES} nodes to the last ${many}`,
      unit: "ms",
      values: latencies,
    },
    {
      name: "processor time of the member for it",
      unit: "ms",
      values: [1_000 * changedWith / count],
    },
    {
      name: `${STREAMS} streams opened, all ${NODES} nodes read`,
      unit: "s",
      values: [opened / 1_000],
    },
    {
      name: "processor time of the member for each of them",
      unit: "ms",
      values: [1_000 * openedWith / STREAMS],
    },
    {
      name: "memory of the member for each of them",
      unit: "KiB",
      values: [grown / 1_024 / STREAMS],
    },
  ];
}

await deferGoaway();
const streams = await measureStreams(rounds(20));
report("curator", [...await measureCutOff(rounds(100)), ...streams]);
