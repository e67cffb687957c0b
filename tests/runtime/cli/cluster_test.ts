import assert from "node:assert/strict";
import { provide, refuse } from "../admin/test_target.ts";
import { tempFolder } from "../../support/temp.ts";
import { hamlet, serveNode } from "./served_node.ts";

const invitation = {
  id: "3f9c2a",
  role: "member",
  expiresAt: "2026-01-01T00:00:00.000Z",
  usesLeft: 2,
  usedBy: ["hamlet-01"],
};

Deno.test("hamlet invite writes the token alone to standard output", async () => {
  await using node = await serveNode();
  const asked: unknown[] = [];
  provide(node.target, "membership", {
    invite(input: unknown) {
      asked.push(input);
      return Promise.resolve({ token: "hamlet1.member.x", invitation });
    },
  });
  const made = await node.hamlet("invite", "--role=member", "--ttl=2d");
  assert.deepEqual([made.code, made.stdout], [0, "hamlet1.member.x\n"]);
  assert.match(made.stderr, /1 node may become a member within 2d/);
  const json = await node.hamlet("invite", "--json", "--uses", "3");
  assert.equal(JSON.parse(json.stdout).invitation.id, invitation.id);
  assert.deepEqual(asked, [
    { role: "member", ttl: 2 * 86400, uses: 1 },
    { role: "worker", ttl: 3600, uses: 3 },
  ]);
  const short = await node.hamlet("invite", "--ttl", "1s");
  assert.equal(short.code, 2);
  assert.match(short.stderr, /An invitation is good for 10s to 30d/);
  const wrong = await node.hamlet("invite", "--ttl", "soon");
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /with s, m, h or d, such as 30m/);
});

Deno.test("hamlet invite lists invitations and revokes one", async () => {
  await using node = await serveNode();
  const revoked: unknown[] = [];
  provide(node.target, "membership", {
    invitations: () => Promise.resolve({ invitations: [invitation] }),
    revokeInvitation(input: { id: string }) {
      if (input.id !== invitation.id) refuse("not-found", "No such one");
      revoked.push(input);
      return Promise.resolve({});
    },
  });
  const list = await node.hamlet("invite", "list");
  assert.match(list.stdout, /3f9c2a +member +2 +2026-01-01\S+ +hamlet-01/);
  const one = await node.hamlet("invite", "revoke", invitation.id);
  assert.equal(one.code, 0, one.stderr);
  const none = await node.hamlet("invite", "revoke", "x");
  assert.deepEqual([none.code, none.stderr], [1, "hamlet: No such one\n"]);
  assert.deepEqual(revoked, [{ id: invitation.id }]);
});

Deno.test("hamlet nodes shows every node, and escapes what a terminal would act on", async () => {
  await using node = await serveNode();
  const nodes = [{
    id: "hamlet-01",
    name: "north",
    role: "member",
    addresses: ["192.0.2.1", "2001:db8::1"],
    lastSeen: new Date(Date.now() - 5_000).toISOString(),
    state: "ready",
    self: true,
  }, {
    id: "hamlet-02",
    name: "\x1b[2J",
    role: "worker",
    addresses: [],
    state: "joining",
    self: false,
  }];
  let current = true;
  provide(node.target, "membership", {
    nodes: () => Promise.resolve({ nodes, current }),
  });
  const { code, stdout, stderr } = await node.hamlet("nodes");
  assert.equal(code, 0);
  assert.equal(stderr, "");
  assert.match(stdout, /^NAME +ROLE +STATE +ADDRESS +LAST SEEN +ID\n/);
  assert.match(
    stdout,
    /north \(this node\) +member +ready +192\.0\.2\.1,2001:db8::1 +\ds ago +hamlet-01/,
  );
  assert.match(stdout, /\\x1b\[2J +worker +joining +none yet +never/);
  const json = await node.hamlet("nodes", "--json");
  assert.deepEqual(JSON.parse(json.stdout), nodes);

  current = false;
  const old = await node.hamlet("nodes");
  // Seconds may have passed since.
  const ageless = (text: string) => text.replace(/\ds ago/, "");
  assert.equal(ageless(old.stdout), ageless(stdout));
  assert.match(old.stderr, /No majority .*: this is what was known last/);
});

Deno.test("hamlet remove shows an operator's certificate, both files or none", async () => {
  await using node = await serveNode();
  await using folder = await tempFolder();
  const [cert, key] = [`${folder.path}/a.pem`, `${folder.path}/a-key.pem`];
  await Deno.writeTextFile(cert, "CERTIFICATE");
  await Deno.writeTextFile(key, "PRIVATE");
  const asked: unknown[] = [];
  provide(node.target, "membership", {
    async *remove(input: unknown) {
      asked.push(input);
      yield await Promise.resolve({ step: "Removed", done: true });
    },
  });
  const done = await node.hamlet("remove", "a", "--cert", cert, "--key", key);
  assert.equal(done.code, 0, done.stderr);
  const bytes = (text: string) => new TextEncoder().encode(text);
  assert.deepEqual(asked, [{
    node: "a",
    operator: { certificate: bytes("CERTIFICATE"), key: bytes("PRIVATE") },
  }]);
  const half = await node.hamlet("remove", "a", "--cert", cert);
  assert.deepEqual([half.code, half.stderr], [
    2,
    "hamlet: Give both --cert and --key, or neither\n",
  ]);
  const none = await node.hamlet("remove", "a", "--cert", cert, "--key", "x");
  assert.deepEqual([none.code, none.stderr], [
    2,
    'hamlet: Cannot read "x": there is no such file\n',
  ]);
  const record = JSON.stringify(
    node.target.node.history.recent("root.audit"),
  );
  assert.match(record, /Admin called membership\.remove/);
  assert(!record.includes("PRIVATE"));
});

Deno.test("hamlet remove shows each step, and fails where they break off", async () => {
  await using node = await serveNode();
  let whole = true;
  provide(node.target, "membership", {
    async *remove({ node }: { node: string }) {
      if (node === "last") refuse("failed-precondition", "It is the last one");
      yield await Promise.resolve({ step: "Revoked", done: false });
      if (whole) yield { step: "Removed", done: true };
    },
  });
  const done = await node.hamlet("remove", "north");
  assert.deepEqual([done.code, done.stdout], [0, "Revoked\nRemoved\n"]);
  const refused = await node.hamlet("remove", "last");
  assert.deepEqual([refused.code, refused.stderr], [
    1,
    "hamlet: It is the last one\n",
  ]);
  whole = false;
  const half = await node.hamlet("remove", "north");
  assert.equal(half.code, 1);
  assert.match(half.stderr, /give the same command again/);
});

Deno.test("hamlet role waits for this node where the change is its own", async () => {
  await using node = await serveNode();
  provide(node.target, "membership", {
    async *setRole() {
      yield await Promise.resolve({ step: "Told", done: false });
      const { current } = node.target;
      node.target.current = {
        ...current,
        node: { ...current.node, role: "worker" },
      };
      refuse("unavailable", "The provider is gone");
    },
  });
  const own = await node.hamlet("role", "one", "worker");
  assert.deepEqual([own.code, own.stdout], [0, "Told\n"], own.stderr);
  const other = await node.hamlet("role", "two", "worker");
  assert.deepEqual([other.code, other.stderr], [
    1,
    "hamlet: The provider is gone\n",
  ]);
  assert.equal((await node.hamlet("role", "two", "king")).code, 2);
});

Deno.test("hamlet recover refuses where there is a leader, and asks where there is none", async () => {
  await using node = await serveNode();
  const member = {
    id: "1",
    name: "hamlet-01",
    peerURLs: ["https://192.0.2.1:7834"],
    learner: false,
    leader: true,
    self: true,
    reachable: true,
  };
  const dead = { ...member, id: "2", name: "hamlet-02", self: false };
  const members = [member, { ...dead, leader: false, reachable: false }];
  let recovered = 0;
  provide(node.target, "cluster", {
    members: () => Promise.resolve({ members }),
    recover() {
      recovered++;
      node.target.current = { ...node.target.current, members: [member] };
      return Promise.resolve({});
    },
  });
  const refused = await node.hamlet("recover", "--yes");
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /has a leader, so its majority is not lost/);
  members[0] = { ...member, leader: false };
  const asked = await node.hamlet("recover");
  assert.equal(asked.code, 2);
  assert.match(
    asked.stderr,
    /hamlet-01 .* this node\n.*hamlet-02 .* does not answer\n/,
  );
  assert.equal(recovered, 0);
  const done = await node.hamlet("recover", "--yes");
  assert.equal(done.code, 0, done.stderr);
  assert.match(done.stdout, /only member now.*\n {2}hamlet remove hamlet-02\n/);
  assert.equal(recovered, 1);
});

Deno.test("hamlet run and install take a token from a file or standard input, and one way alone", async () => {
  const folders = [
    "--data-dir",
    "/nonexistent/d",
    "--run-dir",
    "/nonexistent/r",
  ];
  for (
    const [args, said] of [
      [["--join", "x"], /none that this Hamlet can read/],
      [
        ["--join-file", "/nonexistent/t"],
        /join token from "\/nonexistent\/t": there is none$/m,
      ],
      [["--join", "-", "--new-cluster"], /in two ways/],
      [["--join", "-"], /Cannot join without a token/],
    ] as const
  ) {
    for (const command of [["run", ...folders], ["install", "--dry-run"]]) {
      const { code, stderr } = await hamlet([...command, ...args]);
      assert.notEqual(code, 0);
      assert.match(stderr, said);
    }
  }
});
