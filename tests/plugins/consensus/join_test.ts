import assert from "node:assert/strict";
import { kv, membership } from "../../../mod.ts";
import type { Role } from "../../../runtime/services/nodes.ts";
import { machine, type NodeProcess, withVoters } from "./cluster.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

async function invite(node: NodeProcess, role: Role): Promise<string> {
  const { token } = await node.client.call(membership, "invite", {
    role,
    ttl: 600,
    uses: 5,
  });
  return token;
}

const at = (address: string) => ["--listen", address, "--advertise", address];

Deno.test("a second and a third member join, and know what the first has written", async () => {
  await using one = await machine("one");
  await using two = await machine("two");
  await using three = await machine("three");
  await using first = one.start("--new-cluster", ...at("127.0.0.1"));
  await first.status(withVoters(1));
  await first.client.call(kv, "put", { key: "/test", value: bytes("1") });
  const token = await invite(first, "member");
  await using second = two.start("--join", token, ...at("127.0.0.2"));
  await second.status(withVoters(2));
  await using third = three.start("--join", token, ...at("127.0.0.3"));
  await third.status(withVoters(3));
  const { kvs } = await third.client.call(kv, "range", { key: "/test" });
  assert.deepEqual(kvs[0]?.value, bytes("1"));
});
