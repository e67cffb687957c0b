import { create } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import {
  type Batch,
  NodeFeed,
} from "../../../../plugins/curator/server/node_feed.ts";
import { NodeRecordSchema } from "../../../../proto/gen/hamlet/cluster/v1/record_pb.ts";

function node(id: string, modRevision = 1, name = id) {
  return { record: create(NodeRecordSchema, { id, name }), modRevision };
}

function shape({ nodes, gone, place }: Batch) {
  return { nodes: nodes.map(({ id, name }) => `${id}=${name}`), gone, place };
}

async function next(batches: AsyncGenerator<Batch>) {
  const { value } = await batches.next();
  assert.ok(value);
  return shape(value);
}

const signal = AbortSignal.timeout(60_000);

Deno.test("NodeFeed.watch() waits for the first snapshot, marks its end once, and then tells changes", async () => {
  const feed = new NodeFeed();
  const batches = feed.watch(signal);
  const first = next(batches);
  feed.reset([node("b"), node("a")]);
  assert.deepEqual(await first, {
    nodes: ["a=a", "b=b"],
    gone: [],
    place: "last-backlogged",
  });
  feed.apply([node("c", 2)], ["a"]);
  assert.deepEqual(await next(batches), {
    nodes: ["c=c"],
    gone: ["a"],
    place: "change",
  });
});

Deno.test("NodeFeed.watch() marks the end of an empty backlog", async () => {
  const feed = new NodeFeed();
  feed.reset([]);
  assert.deepEqual(await next(feed.watch(signal)), {
    nodes: [],
    gone: [],
    place: "last-backlogged",
  });
});

Deno.test("NodeFeed.watch() gives many nodes in several batches, the last one marked", async () => {
  const feed = new NodeFeed();
  feed.reset(Array.from({ length: 2001 }, (_, n) => node(`n${n}`)));
  const batches = feed.watch(signal);
  const places = [];
  for (let n = 0; n < 3; n++) places.push((await next(batches)).place);
  assert.deepEqual(places, ["backlog", "backlog", "last-backlogged"]);
});

Deno.test("NodeFeed.watch() tells a slow reader only the newest state", async () => {
  const feed = new NodeFeed();
  feed.reset([node("a")]);
  const batches = feed.watch(signal);
  await next(batches);
  for (let n = 2; n < 100; n++) feed.apply([node("a", n, `name-${n}`)], []);
  feed.apply([node("b", 100)], []);
  feed.apply([], ["b"]);
  assert.deepEqual(await next(batches), {
    nodes: ["a=name-99"],
    gone: ["b"],
    place: "change",
  });
});

Deno.test("NodeFeed.watch() gives readers that are equally far the same batch", async () => {
  const feed = new NodeFeed();
  feed.reset([node("a")]);
  const [one, two] = [feed.watch(signal), feed.watch(signal)];
  assert.equal((await one.next()).value, (await two.next()).value);
  feed.apply([node("a", 2)], []);
  const [first, second] = [await one.next(), await two.next()];
  assert.ok(first.value);
  assert.equal(first.value, second.value);
  let encoded = 0;
  const encode = () => ++encoded;
  assert.equal(first.value.encoded(encode), 1);
  assert.equal(first.value.encoded(encode), 1);
});

Deno.test("NodeFeed.watch() marks the end where a reader knows what there is now, also one that comes later", async () => {
  const feed = new NodeFeed();
  feed.reset([node("a"), node("b")]);
  await next(feed.watch(signal));
  feed.apply([node("a", 2, "new"), node("c", 2)], ["b"]);
  const batches = feed.watch(signal);
  assert.deepEqual([await next(batches), await next(batches)], [
    { nodes: ["a=a", "b=b"], gone: [], place: "backlog" },
    { nodes: ["a=new", "c=c"], gone: ["b"], place: "last-backlogged" },
  ]);
  feed.apply([node("d", 3)], []);
  assert.deepEqual(await next(batches), {
    nodes: ["d=d"],
    gone: [],
    place: "change",
  });
});

Deno.test("NodeFeed.reset() changes nothing for what is as it was", async () => {
  const feed = new NodeFeed();
  feed.reset([node("a"), node("b"), node("c")]);
  const batches = feed.watch(signal);
  await next(batches);
  feed.reset([node("a"), node("b", 2, "new")]);
  assert.deepEqual(await next(batches), {
    nodes: ["b=new"],
    gone: ["c"],
    place: "change",
  });
});

Deno.test("NodeFeed.watch() ends a reader that is too slow to be told what is gone", async () => {
  const feed = new NodeFeed();
  feed.reset([node("a")]);
  const batches = feed.watch(signal);
  await next(batches);
  const many = Array.from({ length: 10_001 }, (_, n) => `n${n}`);
  feed.apply(many.map((id) => node(id)), []);
  for (const id of many) feed.apply([], [id]);
  await assert.rejects(batches.next(), /Too slow/);
});

Deno.test("NodeFeed.watchOne() waits for a node, and tells when it goes and comes again", async () => {
  const feed = new NodeFeed();
  feed.reset([node("other")]);
  const batches = feed.watchOne("a", signal);
  const first = next(batches);
  feed.apply([node("b")], []);
  feed.apply([node("a")], []);
  assert.deepEqual((await first).nodes, ["a=a"]);
  feed.apply([], ["a"]);
  assert.deepEqual((await next(batches)).gone, ["a"]);
  feed.apply([node("a", 5, "again")], []);
  assert.deepEqual((await next(batches)).nodes, ["a=again"]);
});

Deno.test("NodeFeed.watch() ends with the signal's reason", async () => {
  const feed = new NodeFeed();
  const ended = new AbortController();
  const waiting = feed.watch(ended.signal).next();
  ended.abort(new Error("enough"));
  await assert.rejects(waiting, /enough/);
});
