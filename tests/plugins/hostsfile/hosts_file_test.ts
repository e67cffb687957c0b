import assert from "node:assert/strict";
import {
  describeChange,
  entryProblem,
  renderEntries,
  renderHosts,
} from "../../../plugins/hostsfile/hosts_file.ts";

const a = { id: "hamlet-a", name: "hamlet-a", address: "192.0.2.1" };
const b = { id: "hamlet-b", name: "web", address: "2001:db8::2" };

Deno.test("renderHosts() writes localhost alone where no node is known", () => {
  assert.equal(
    renderHosts(renderEntries([])),
    "127.0.0.1 localhost\n::1 localhost\n",
  );
});

Deno.test("renderHosts() writes the nodes by ID, and a name only where it is not the ID", () => {
  assert.equal(
    renderHosts(renderEntries([b, a])),
    "127.0.0.1 localhost\n::1 localhost\n192.0.2.1 hamlet-a\n2001:db8::2 hamlet-b web\n",
  );
});

Deno.test("entryProblem() finds none in what may be written", () => {
  for (
    const entry of [a, b, { ...a, name: "A-1" }, { ...a, name: "n".repeat(63) }]
  ) {
    assert.equal(entryProblem(entry), undefined);
  }
});

Deno.test("entryProblem() keeps out whatever would break the file or lead astray", () => {
  const bad = [
    { ...a, address: "" },
    { ...a, address: "<nil>" },
    { ...a, address: "1.2.3" },
    { ...a, address: "192.0.2.1\n192.0.2.2 bank" },
    { ...a, address: "fe80::1%eth0" },
    { ...a, name: "" },
    { ...a, name: "two words" },
    { ...a, name: "a\n192.0.2.2 bank" },
    { ...a, name: "a#b" },
    { ...a, name: "example.com" },
    { ...a, name: "-a" },
    { ...a, name: "n".repeat(64) },
    { ...a, name: "LocalHost" },
    { ...a, id: "localhost" },
    { ...a, id: "x y" },
  ];
  for (const entry of bad) {
    assert(entryProblem(entry) !== undefined, JSON.stringify(entry));
  }
});

Deno.test("describeChange() says what was added, changed, renamed and gone", () => {
  const map = (...entries: (typeof a)[]) =>
    new Map(entries.map((entry) => [entry.id, entry]));
  assert.equal(
    describeChange(map(), map(a, b)),
    "added hamlet-a (192.0.2.1), added web (2001:db8::2)",
  );
  assert.equal(
    describeChange(map(a, b), map({ ...a, address: "192.0.2.9" })),
    "changed hamlet-a (192.0.2.9, was 192.0.2.1), gone web",
  );
  assert.equal(
    describeChange(map(b), map({ ...b, name: "www" })),
    "renamed web to www",
  );
  assert.equal(describeChange(map(a), map(a)), "");
});
