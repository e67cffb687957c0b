import assert from "node:assert/strict";
import { LoadQueue } from "../../../runtime/host/load_queue.ts";

/** Lets everything run that waits for nothing else. */
const settle = () => new Promise((resolve) => setTimeout(resolve));

Deno.test("LoadQueue.enter() gives as many places as there are, then one for each that is left, in order", async () => {
  const queue = new LoadQueue(2);
  const entered: string[] = [];
  const enter = async (name: string) => {
    const place = await queue.enter();
    entered.push(name);
    return place;
  };
  const [first, second, third, fourth] = ["a", "b", "c", "d"].map(enter);
  await settle();
  assert.deepEqual(entered, ["a", "b"]);
  (await second)?.[Symbol.dispose]();
  await settle();
  assert.deepEqual(entered, ["a", "b", "c"]);
  (await first)?.[Symbol.dispose]();
  await settle();
  assert.deepEqual(entered, ["a", "b", "c", "d"]);
  for (const place of [third, fourth]) (await place)?.[Symbol.dispose]();
  await enter("e");
  await enter("f");
  assert.deepEqual(entered.slice(4), ["e", "f"]);
});

Deno.test("LoadQueue.enter() gives a place once, however often it is disposed of", async () => {
  const queue = new LoadQueue(1);
  const place = await queue.enter();
  place[Symbol.dispose]();
  place[Symbol.dispose]();
  using _next = await queue.enter();
  let entered = false;
  const waiting = queue.enter().then((place) => {
    entered = true;
    return place;
  });
  await settle();
  assert.equal(entered, false);
  _next[Symbol.dispose]();
  (await waiting)[Symbol.dispose]();
});
