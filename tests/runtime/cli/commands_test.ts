import assert from "node:assert/strict";
import { serveAdmin } from "../../../runtime/admin/server.ts";
import { tempFolder } from "../../support/temp.ts";
import { createTarget, provide } from "../admin/test_target.ts";
import { hamlet, program, serveNode } from "./served_node.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

Deno.test("hamlet status exits with 0 where ready, 1 where not, 2 where there is no node", async () => {
  await using node = await serveNode();
  const ready = await node.hamlet("status", "--json");
  assert.equal(ready.code, 0);
  assert.deepEqual(JSON.parse(ready.stdout), node.target.current);

  node.target.current = { ...node.target.current, ready: false };
  const text = await node.hamlet("status");
  assert.equal(text.code, 1);
  assert.match(text.stdout, /^● one is not ready\n/);
  assert.ok(!text.stdout.includes("\x1b"));

  const none = await hamlet(["status", "--run-dir", "/nonexistent"]);
  assert.deepEqual([none.code, none.stdout], [2, ""]);
  assert.match(
    none.stderr,
    /^hamlet: No node is running here: .*--run-dir, as `--run-dir \.hamlet\/run` where `hamlet dev` runs\n$/,
  );
});

Deno.test("hamlet status --watch shows every change, and ends with its last state on SIGINT", async () => {
  await using node = await serveNode();
  await using child = program(
    ["status", "--watch", "--json", "--run-dir", node.folder],
    { stdout: "piped" },
  ).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  assert.match((await reader.read()).value ?? "", /"ready":true/);
  node.target.current = { ...node.target.current, ready: false };
  node.target.change();
  assert.match((await reader.read()).value ?? "", /"ready":false/);
  child.kill("SIGINT");
  assert.equal((await reader.read()).done, true);
  assert.equal((await child.status).code, 1);
});

Deno.test("hamlet status --watch ends with 2 when the node breaks off", async () => {
  const node = await serveNode();
  const child = program(
    ["status", "--watch", "--run-dir", node.folder],
    { stdout: "piped", stderr: "piped" },
  ).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  await reader.read();
  await node[Symbol.asyncDispose]();
  while (!(await reader.read()).done);
  const stderr = await new Response(child.stderr).text();
  assert.equal((await child.status).code, 2, stderr);
  assert.match(stderr, /ended/);
});

Deno.test("hamlet kv get writes the bytes of a value and nothing else", async () => {
  await using node = await serveNode();
  const value = Uint8Array.from({ length: 256 }, (_, i) => i);
  provide(node.target, "kv", {
    range: ({ key }: { key: string }) =>
      Promise.resolve({
        kvs: key === "/a"
          ? [{ key, value, createRevision: 1, modRevision: 1, version: 1 }]
          : [],
        more: false,
        revision: 1,
      }),
  });
  const { stdout } = await program(
    ["kv", "get", "/a", "--run-dir", node.folder],
  ).output();
  assert.deepEqual(stdout, value);
  const missing = await node.hamlet("kv", "get", "/b");
  assert.deepEqual(missing, {
    code: 1,
    stdout: "",
    stderr: 'hamlet: There is no key "/b"\n',
  });
});

Deno.test("hamlet kv get --prefix reads page by page, and escapes what a terminal acts on", async () => {
  await using node = await serveNode();
  const all = Array.from({ length: 200 }, (_, i) => `/p/${1000 + i}`);
  const asked: unknown[] = [];
  provide(node.target, "kv", {
    range({ from = "", limit = 0 }: { from?: string; limit?: number }) {
      asked.push(from);
      const rest = all.filter((key) => key >= from);
      return Promise.resolve({
        kvs: rest.slice(0, limit).map((key) => ({
          key,
          value: bytes(`\x1b[2J${key}\n`),
          createRevision: 1,
          modRevision: 1,
          version: 1,
        })),
        more: rest.length > limit,
        revision: 1,
      });
    },
  });
  const { code, stdout } = await node.hamlet("kv", "get", "--prefix", "/p/");
  assert.equal(code, 0);
  assert.deepEqual(
    stdout,
    all.map((key) => `${key} \\x1b[2J${key}\\n\n`).join(""),
  );
  assert.equal(asked.length, 4);
});

Deno.test("hamlet kv put takes its value from the command line or standard input", async () => {
  await using node = await serveNode();
  const stored: [string, string][] = [];
  provide(node.target, "kv", {
    put({ key, value }: { key: string; value: Uint8Array }) {
      stored.push([key, new TextDecoder().decode(value)]);
      return Promise.resolve({ revision: 1 });
    },
  });
  assert.equal((await node.hamlet("kv", "put", "/a", "one")).code, 0);
  assert.equal((await node.hamlet("kv", "put", "/b", "")).code, 0);
  const child = program(
    ["kv", "put", "/c", "-", "--run-dir", node.folder],
    { stdin: "piped" },
  ).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(bytes("thr"));
  await writer.write(bytes("ee"));
  await writer.close();
  assert.equal((await child.status).code, 0);
  assert.equal(
    (await hamlet(["kv", "put", "--run-dir", node.folder, "--", "/d", "--x"]))
      .code,
    0,
  );
  assert.deepEqual(stored, [
    ["/a", "one"],
    ["/b", ""],
    ["/c", "three"],
    ["/d", "--x"],
  ]);
});

Deno.test("hamlet kv put refuses a value that is too large before it sends it", async () => {
  await using node = await serveNode();
  const child = program(
    ["kv", "put", "/c", "-", "--run-dir", node.folder],
    { stdin: "piped", stderr: "piped" },
  ).spawn();
  await new Blob(["x".repeat(2 * 1024 * 1024)]).stream().pipeTo(child.stdin)
    .catch(() => {});
  const stderr = await new Response(child.stderr).text();
  assert.equal((await child.status).code, 2);
  assert.match(stderr, /more than 1048576 bytes/);
});

Deno.test("hamlet kv refuses a key that is too long before it sends it", async () => {
  for (const command of [["get"], ["put", "x"], ["del"], ["watch"]]) {
    const [name = "", ...value] = command;
    const { code, stderr } = await hamlet([
      "kv",
      name,
      "k".repeat(4097),
      ...value,
    ]);
    assert.equal(code, 2);
    assert.match(
      stderr,
      /^hamlet: Failed to parse "k{80}…" for key: A key has at most 4096 characters, not 4097$/m,
    );
  }
});

Deno.test("hamlet kv del says how many, kv watch what happens", async () => {
  await using node = await serveNode();
  const found = (key: string, value: string) => ({
    key,
    value: bytes(value),
    createRevision: 1,
    modRevision: 1,
    version: 1,
  });
  provide(node.target, "kv", {
    delete: (input: object) =>
      Promise.resolve({ deleted: "prefix" in input ? 3 : 1, revision: 1 }),
    async *watch() {
      yield { kind: "snapshot", revision: 1, kvs: [found("/a", "1")] };
      yield {
        kind: "events",
        revision: 2,
        events: [
          { kind: "put", kv: found("/b", "2") },
          { kind: "delete", key: "/a", revision: 2 },
        ],
      };
    },
  });
  assert.equal((await node.hamlet("kv", "del", "/a")).stdout, "1 deleted\n");
  assert.equal(
    (await node.hamlet("kv", "del", "/a", "--prefix", "--json")).stdout,
    '{"deleted":3,"revision":1}\n',
  );
  assert.equal(
    (await node.hamlet("kv", "watch", "/", "--prefix")).stdout,
    "= /a 1\n+ /b 2\n- /a\n",
  );
});

Deno.test("hamlet logs shows a subtree, as text or as JSON lines", async () => {
  await using node = await serveNode();
  node.target.node.logger("root.a").info("Put {key}", { key: "/x", n: 1 });
  node.target.node.logger("root.b").warn("\x1b[2JOther");
  const text = await node.hamlet("logs");
  assert.match(
    text.stdout,
    /INFO {2}root\.a Put \/x n=1\n.*WARN {2}root\.b \\x1b\[2JOther\n$/,
  );
  const json = await node.hamlet("logs", "root.a", "--json");
  assert.equal(JSON.parse(json.stdout).template, "Put {key}");
  assert.equal((await node.hamlet("logs", "--limit", "x")).code, 2);

  const short = await node.hamlet("logs", "a");
  assert.match(short.stdout, /root\.a Put/);
  assert.deepEqual(await node.hamlet("logs", "root.c"), {
    code: 0,
    stdout: "",
    stderr:
      'hamlet: Nothing was logged lately by "root.c" or what is below it; `hamlet status` shows what there is\n',
  });
});

Deno.test("hamlet refuses wrong use with a message, a hint and exit code 2", async () => {
  for (
    const [args, message] of [
      [["statu"], /No command registered for `statu`, did you mean `status`/],
      [["status", "--jso"], /--jso, did you mean --json/],
      [["run", "--peer-port", "70000"], /from 0 to 65535/],
      [["run", "--hostname", "maybe"], /maybe/],
      [["run", "--log-level", "loud"], /Cannot read "loud" as a log level/],
      [["run", "--jion", "x"], /No flag registered for --jion/],
      [["run", "--new-clustr"], /--new-clustr, did you mean --new-cluster\?\n/],
      [["run", "--name="], /Flag --name has no value\n/],
      [["help", "quux"], /No command registered for `quux`\n/],
      [["--versoin"], /`--versoin`, did you mean `version`\?\n/],
      [["kv", "put", "/a"], /value/],
      [["kv", "get", ""], /A key cannot be empty/],
      [["cert", "issue"], /NAME/],
      [
        ["cert", "issue", "a", "--ip", "1.2.3"],
        /"1.2.3" .*Write an IP address/,
      ],
      [["cert", "issue", "a", "--ip", "::1", "--out", ""], /cannot be empty/],
      [["completion", "tcsh"], /bash, zsh, fish/],
    ] as const
  ) {
    const { code, stdout, stderr } = await hamlet(args);
    assert.equal(code, 2, `${args}: ${stderr}`);
    assert.equal(stdout, "");
    assert.match(stderr, message);
    assert.match(stderr, /^hamlet: .*\nTry `hamlet help`/);
    assert.ok(!/\.ts:\d/.test(stderr), stderr);
  }
});

Deno.test("hamlet help shows every command with an example", async () => {
  const { stdout } = await hamlet(["help"]);
  const names = stdout.split("COMMANDS\n")[1]?.match(/^ {2}(\w+)/gm) ?? [];
  assert.equal(names.length, 18);
  const subcommands: Record<string, readonly string[]> = {
    cert: ["issue", "list", "revoke"],
    invite: ["create", "list", "revoke"],
    kv: ["get", "put", "del", "watch"],
  };
  for (const name of names.map((name) => name.trim())) {
    for (const sub of subcommands[name] ?? [""]) {
      const words = [name, sub].filter((word) => word !== "");
      const { code, stdout } = await hamlet(["help", ...words]);
      assert.equal(code, 0);
      assert.match(stdout, new RegExp(`EXAMPLE\n.*hamlet ${words.join(" ")}`));
    }
  }
  assert.deepEqual(
    await hamlet(["kv", "get", "--help"]),
    await hamlet(["help", "kv", "get"]),
  );
});

Deno.test("hamlet version says what it runs on", async () => {
  const { stdout } = await hamlet(["version", "--json"]);
  assert.deepEqual(JSON.parse(stdout).deno, Deno.version.deno);
  assert.match((await hamlet(["version"])).stdout, /^hamlet \d+\.\d+\.\d+ \(/);
});

Deno.test({
  name: "hamlet finds a node of this folder, unless somebody else put it there",
  ignore: Deno.uid() !== 0,
  async fn() {
    await using folder = await tempFolder();
    await Deno.mkdir(`${folder.path}/.hamlet/run`, { recursive: true });
    const path = `${folder.path}/.hamlet/run/hamlet.sock`;
    using target = createTarget();
    const server = await serveAdmin(path, target);
    const status = () => hamlet(["status"], { cwd: folder.path });
    assert.equal((await status()).code, 0);
    await Deno.chown(path, 65534, 65534);
    const { code, stderr } = await status();
    assert.equal(code, 2);
    assert.match(stderr, /there is no "\/run\/hamlet\/hamlet\.sock"/);
    await server.stop();
  },
});
