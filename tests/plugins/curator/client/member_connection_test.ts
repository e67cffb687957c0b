import assert from "node:assert/strict";
import {
  askAuthority,
  connectMember,
} from "../../../../plugins/curator/client/member_connection.ts";
import type { Endpoint } from "../../../../plugins/curator/token.ts";
import { TestAuthority, type TestNode } from "./authority.ts";
import { type Part, PlayedMember } from "./played_member.ts";

const authority = await TestAuthority.create();
const member = await authority.node("member");
const worker = await authority.node("worker");
const timeout = 5_000;

const sealKey: Part = { sealKey: () => ({ key: new Uint8Array(32) }) };

async function ask(
  endpoint: Endpoint,
  revoked: readonly string[] = [],
  { ca } = member.credentials,
): Promise<void> {
  using connection = connectMember(endpoint, {
    ca,
    self: worker.credentials,
    isRevoked: (serial) => revoked.includes(serial),
  });
  await connection.membership.sealKey({}, { timeout });
}

async function refuses(
  node: TestNode,
  message: RegExp,
  change: Partial<Endpoint> = {},
  revoked: readonly string[] = [],
): Promise<void> {
  let asked = false;
  await using played = await PlayedMember.start(node, {
    sealKey() {
      asked = true;
      return {};
    },
  });
  await assert.rejects(
    ask({ ...played.endpoint, ...change }, revoked),
    (error: Error) => message.test(error.message),
  );
  assert(!asked, "It was told something");
}

Deno.test("connectMember() talks to a member, and shows its own certificate", async () => {
  let shown = false;
  await using played = await PlayedMember.start(member, {
    sealKey(_, { certificate }) {
      shown = certificate;
      return {};
    },
  });
  await ask(played.endpoint);
  assert(shown);
});

Deno.test("connectMember() knows the serial number of whom it talks to", async () => {
  await using played = await PlayedMember.start(member, sealKey);
  using connection = connectMember(played.endpoint, {
    ca: member.credentials.ca,
    isRevoked: () => false,
  });
  assert.equal(connection.serial(), undefined);
  await connection.membership.sealKey({}, { timeout });
  assert.equal(connection.serial(), member.serial);
});

Deno.test("connectMember() refuses a worker that poses as a member", async () => {
  await refuses(worker, /its role is "worker"/);
});

Deno.test("connectMember() refuses an operator that poses as a member", async () => {
  const { id } = member.identity;
  await refuses(
    await authority.node("operator", id),
    /its role is "operator"/,
    {
      id,
    },
  );
});

Deno.test("connectMember() refuses another member than the expected one", async () => {
  const id = worker.identity.id;
  await refuses(member, /No connection established/, { id });
});

Deno.test("connectMember() refuses a member whose certificate was revoked", async () => {
  await refuses(member, /its certificate was revoked/, {}, [member.serial]);
});

Deno.test("connectMember() refuses a member of another authority", async () => {
  const other = await TestAuthority.create();
  await refuses(await other.node("member"), /No connection established/);
});

Deno.test("askAuthority() gets what anybody says, to be compared", async () => {
  const other = await TestAuthority.create();
  await using played = await PlayedMember.start(await other.node("worker"), {
    authority: () => ({ certificate: other.certificate }),
  });
  const signal = new AbortController().signal;
  assert.deepEqual(
    await askAuthority(played.endpoint, { signal, timeout }),
    other.certificate,
  );
});
