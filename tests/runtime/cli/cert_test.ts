import assert from "node:assert/strict";
import { provide } from "../admin/test_target.ts";
import { serveNode } from "./served_node.ts";

const authority = {
  cluster: Uint8Array.from({ length: 100 }, (_, i) => i),
  peer: new Uint8Array(100),
};

/** Answers as the plugin does, with bytes that are no certificates. */
function provideCa(
  target: Parameters<typeof provide>[0],
  certificates: readonly object[] = [],
) {
  const calls: unknown[] = [];
  provide(target, "ca", {
    authority: (input: { authority: "cluster" | "peer" }) =>
      Promise.resolve({ certificate: authority[input.authority] }),
    issue(input: { authority: "cluster" | "peer" }) {
      calls.push(input);
      return Promise.resolve({
        serial: "0abc",
        certificate: new Uint8Array([1]),
        privateKey: new Uint8Array([2]),
        authorityCertificate: authority[input.authority],
      });
    },
    list: () => Promise.resolve({ certificates }),
    revoke(input: object) {
      calls.push(input);
      return Promise.resolve({
        revoked: [{ authority: "cluster", serial: "0abc" }],
      });
    },
  });
  return calls;
}

function certificate(name: string, serial: string) {
  return {
    authority: "cluster",
    serial,
    name,
    addresses: ["192.0.2.1"],
    issuedAt: "2026-01-01T00:00:00Z",
    revoked: false,
  };
}

Deno.test("hamlet cert issue writes three files, the key for its owner alone", async () => {
  await using node = await serveNode();
  const calls = provideCa(node.target);
  const { code, stdout, stderr } = await node.hamlet(
    ...["cert", "issue", "laptop", "--ip", "192.0.2.7,2001:db8::1"],
    ...["--out", "made/here", "--json"],
  );
  assert.equal(code, 0, stderr);
  assert.deepEqual(calls, [{
    authority: "cluster",
    name: "laptop",
    addresses: ["192.0.2.7", "2001:db8::1"],
    role: "operator",
  }]);
  const out = `${node.folder}/made/here`;
  assert.deepEqual(JSON.parse(stdout), {
    authority: "cluster",
    name: "laptop",
    serial: "0abc",
    files: {
      certificate: `${out}/laptop.pem`,
      key: `${out}/laptop-key.pem`,
      ca: `${out}/ca.pem`,
    },
  });
  const mode = async (name: string) =>
    ((await Deno.stat(`${out}/${name}`)).mode ?? 0) & 0o777;
  assert.equal(await mode("laptop-key.pem"), 0o600);
  assert.equal(await mode("laptop.pem"), 0o644);
  assert.equal(
    await Deno.readTextFile(`${out}/laptop-key.pem`),
    "-----BEGIN PRIVATE KEY-----\nAg==\n-----END PRIVATE KEY-----\n",
  );
  const ca = await Deno.readTextFile(`${out}/ca.pem`);
  assert.match(
    ca,
    /^-----BEGIN CERTIFICATE-----\n.{64}\n.{64}\n.{8}\n-----END/,
  );
  assert.equal([...Deno.readDirSync(out)].length, 3);
});

Deno.test("hamlet cert issue issues nothing where it would replace a file", async () => {
  await using node = await serveNode();
  const calls = provideCa(node.target);
  const issue = (...args: string[]) =>
    node.hamlet("cert", "issue", "--ip", "192.0.2.7", ...args);
  assert.equal((await issue("one")).code, 0);
  assert.equal((await issue("two")).code, 0, "one ca.pem is enough for both");
  const again = await issue("one");
  assert.equal(again.code, 2);
  assert.match(again.stderr, /one\.pem": it exists; .*--force/);
  const other = await issue("three", "--authority", "peer");
  assert.equal(other.code, 2);
  assert.match(other.stderr, /ca\.pem": it exists/);
  assert.equal(calls.length, 2);
  assert.equal((await issue("one", "--force")).code, 0);
});

Deno.test("hamlet cert issue issues nothing where it cannot write", async () => {
  await using node = await serveNode();
  const calls = provideCa(node.target);
  await Deno.writeTextFile(`${node.folder}/file`, "");
  for (
    const [out, why] of [
      ["file", "it is not a folder"],
      ["file/below", "Not a directory"],
    ] as const
  ) {
    const { code, stderr } = await node.hamlet(
      ...["cert", "issue", "laptop", "--ip", "192.0.2.7", "--out", out],
    );
    assert.equal(code, 1);
    assert.ok(
      stderr.startsWith(
        `hamlet: Cannot write to "${node.folder}/${out}": ${why}`,
      ),
      stderr,
    );
    assert.match(stderr, /choose another folder with --out\n$/);
  }
  assert.deepEqual(calls, []);
});

Deno.test("hamlet cert issue says what a certificate of peer gives away", async () => {
  await using node = await serveNode();
  provideCa(node.target);
  const { code, stderr } = await node.hamlet(
    ...["cert", "issue", "x", "--ip", "192.0.2.7", "--authority", "peer"],
  );
  assert.equal(code, 0);
  assert.match(stderr, /whoever holds its key can read and\nwrite everything/);
});

Deno.test("hamlet cert issue refuses names that are no file's", async () => {
  await using node = await serveNode();
  const calls = provideCa(node.target);
  for (
    const name of ["../x", "a/b", ".x", "", "ca", "a b", "ä", "x".repeat(65)]
  ) {
    const { code, stderr } = await node.hamlet(
      ...["cert", "issue", name, "--ip", "192.0.2.7"],
    );
    assert.equal(code, 2, name);
    assert.match(stderr, /the name is also that of the files/);
  }
  const bad = await node.hamlet("cert", "issue", "x", "--ip", "nowhere");
  assert.equal(bad.code, 2);
  assert.match(bad.stderr, /"nowhere" for ip: Write an IP address/);
  assert.deepEqual(calls, []);
});

Deno.test("hamlet cert list shows every certificate", async () => {
  await using node = await serveNode();
  const all = [certificate("one", "1f"), certificate("two", "2f")];
  provideCa(node.target, all);
  const text = await node.hamlet("cert", "list");
  assert.match(
    text.stdout,
    /^AUTHORITY {2}SERIAL .*\ncluster {4}1f .*one .*valid\n/,
  );
  const json = await node.hamlet("cert", "list", "--json");
  assert.deepEqual(JSON.parse(json.stdout), all);
});

Deno.test("hamlet cert revoke takes a name or a serial number, and never guesses", async () => {
  await using node = await serveNode();
  const calls = provideCa(node.target, [
    certificate("one", "1f"),
    certificate("abc", "2f"),
    certificate("three", "0abc"),
  ]);
  const revoke = (...args: string[]) => node.hamlet("cert", "revoke", ...args);
  assert.equal((await revoke("one")).code, 0);
  assert.equal((await revoke("1F")).code, 0);
  const both = await revoke("abc");
  assert.equal(both.code, 2);
  assert.match(both.stderr, /--by name or --by serial/);
  assert.equal((await revoke("abc", "--by", "name")).code, 0);
  assert.equal((await revoke("0A:BC", "--by", "serial")).code, 0);
  const none = await revoke("nobody");
  assert.equal(none.code, 1);
  assert.match(none.stderr, /no certificate .*hamlet cert list/);
  assert.deepEqual(calls, [
    { name: "one" },
    { serial: "1f" },
    { name: "abc" },
    { serial: "0abc" },
  ]);
});
