import assert from "node:assert/strict";
import type { ClusterNode } from "../../../mod.ts";
import type { HostsEntry } from "../../../plugins/hostsfile/hosts_file.ts";
import { mergeView } from "../../../plugins/hostsfile/known_nodes.ts";

const id = (digit: string) => `hamlet-${digit.repeat(32)}`;
const self = { id: id("0"), name: "me" };
const own = { ...self, address: "192.0.2.100" };
const known = (...entries: HostsEntry[]) =>
  new Map(entries.map((entry) => [entry.id, entry]));
const node = (
  digit: string,
  name: string,
  ...addresses: string[]
): ClusterNode => ({ id: id(digit), name, role: "worker", addresses });
const entry = (digit: string, name: string, address: string) => ({
  id: id(digit),
  name,
  address,
});

Deno.test("mergeView() adds the nodes that have an address, by the preferred one", () => {
  const { entries, missing, problems } = mergeView(known(), [
    node("1", "a", "192.0.2.1", "2001:db8::1"),
    node("2", "b"),
  ], self);
  assert.deepEqual([...entries.values()], [entry("1", "a", "192.0.2.1")]);
  assert.deepEqual([missing, problems], [[], []]);
});

Deno.test("mergeView() never takes this node's own address from the cluster", () => {
  const view = [node("0", "me", "203.0.113.9")];
  assert.equal(mergeView(known(), view, self).entries.size, 0);
  const before = known(own);
  assert.equal(mergeView(before, view, self).entries, before);
});

Deno.test("mergeView() gives the same object where nothing differs", () => {
  const before = known(own, entry("1", "a", "192.0.2.1"));
  const { entries } = mergeView(before, [node("1", "a", "192.0.2.1")], self);
  assert.equal(entries, before);
});

Deno.test("mergeView() keeps and tells a node that the cluster has no longer", () => {
  const gone = entry("1", "a", "192.0.2.1");
  const { entries, missing } = mergeView(known(own, gone), [], self);
  assert.deepEqual(entries.get(gone.id), gone);
  assert.deepEqual(missing, [gone]);
});

Deno.test("mergeView() takes the name from a node that is gone when another has it, and from no other", () => {
  const before = known(entry("1", "web", "192.0.2.1"));
  const { entries } = mergeView(
    before,
    [node("2", "WEB", "192.0.2.2")],
    self,
  );
  assert.deepEqual([...entries.values()], [
    entry("1", id("1"), "192.0.2.1"),
    entry("2", "WEB", "192.0.2.2"),
  ]);
});

Deno.test("mergeView() lets two nodes exchange their names", () => {
  const { entries, problems } = mergeView(
    known(entry("1", "a", "192.0.2.1"), entry("2", "b", "192.0.2.2")),
    [node("1", "b", "192.0.2.1"), node("2", "a", "192.0.2.2")],
    self,
  );
  assert.deepEqual([...entries.values()].map(({ name }) => name), ["b", "a"]);
  assert.deepEqual(problems, []);
});

Deno.test("mergeView() writes no name twice, and this node's only for this node", () => {
  const { entries, problems } = mergeView(known(own), [
    node("1", "a", "192.0.2.1"),
    node("2", "A", "192.0.2.2"),
    node("3", "me", "192.0.2.3"),
  ], self);
  assert.deepEqual(
    [...entries.values()].map(({ name }) => name),
    ["me", "a", id("2"), id("3")],
  );
  assert.equal(problems.length, 2);
});

Deno.test("mergeView() keeps what a node had when the cluster has no address, or a bad one", () => {
  const before = known(entry("1", "a", "192.0.2.1"));
  const without = mergeView(before, [node("1", "a")], self);
  assert.equal(without.entries, before);
  for (
    const bad of [
      node("1", "a", "192.0.2.1\n203.0.113.1 bank"),
      node("1", "a b", "192.0.2.1"),
      node("1", id("2"), "192.0.2.1"),
      node("1", "localhost", "192.0.2.1"),
      node("1", "a", "0.0.0.0"),
      node("1", "a", "ff02::1"),
    ]
  ) {
    const { entries, missing, problems } = mergeView(before, [bad], self);
    assert.equal(entries, before);
    assert.deepEqual(missing, []);
    assert.equal(problems.length, 1, JSON.stringify(bad));
  }
});
