import assert from "node:assert/strict";
import { CommandError, run } from "../support/process.ts";
import { tempFolder } from "../support/temp.ts";
import {
  hamletCommand,
  nodeFolders,
  NodeProcess,
} from "./support/node_process.ts";
import { serialOf, verifyCertificate, verifyList } from "./support/openssl.ts";
import { processesOf } from "./support/processes_of.ts";

/** What a command wrote, and how it ended. */
interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command to its end, whatever that is. */
async function hamlet(
  args: readonly string[],
  options: Parameters<typeof run>[2] & { prefix?: readonly string[] } = {},
): Promise<Ended> {
  const { prefix = [], ...others } = options;
  const [command = "", ...rest] = [...prefix, ...hamletCommand(...args)];
  try {
    return { code: 0, ...await run(command, rest, others) };
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    return error;
  }
}

/** A node that is ready, and commands that talk to it. */
async function readyNode() {
  const folders = await nodeFolders();
  const node = new NodeProcess(folders);
  await node.ready();
  return {
    folders,
    node,
    hamlet: (
      args: readonly string[],
      options: Parameters<typeof run>[2] = {},
    ) => hamlet([...args, "--run-dir", folders.run], options),
    async [Symbol.asyncDispose]() {
      await node[Symbol.asyncDispose]();
      await folders[Symbol.asyncDispose]();
    },
  };
}

Deno.test("hamlet status tells a ready node, one that is not, and none", async () => {
  await using ready = await readyNode();
  const json = await ready.hamlet(["status", "--json"]);
  assert.equal(json.code, 0);
  const status = JSON.parse(json.stdout);
  assert.deepEqual(Object.keys(status), [
    "ready",
    "node",
    "plugins",
    "runnables",
    "members",
    "warnings",
  ]);
  assert.match(status.node.id, /^hamlet-[0-9a-f]{32}$/);
  assert.match(status.members[0].id, /^[0-9a-f]{1,16}$/);
  const text = await ready.hamlet(["status"]);
  assert.equal(text.code, 0);
  assert.match(text.stdout, /^● hamlet-[0-9a-f]{32} is ready\n/);
  assert.match(text.stdout, /\nconsensus +ready +0 .*\n├─ etcd +HEALTHY /);

  // etcd dies, and comes back by itself: `--watch` shows both.
  const watch = new Deno.Command(hamletCommand()[0], {
    args: [
      ...hamletCommand("status", "--watch", "--json").slice(1),
      "--run-dir",
      ready.folders.run,
    ],
    stdout: "piped",
  }).spawn();
  const seen: boolean[] = [];
  let rest = "";
  for await (
    const chunk of watch.stdout.pipeThrough(new TextDecoderStream())
  ) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const { ready: isReady } = JSON.parse(line);
      if (seen.length === 0) {
        for (const { pid, program } of await processesOf(ready.folders.data)) {
          if (program === "etcd") Deno.kill(pid, "SIGKILL");
        }
      }
      if (seen.at(-1) !== isReady) seen.push(isReady);
    }
    if (seen.length === 3) watch.kill("SIGINT");
  }
  assert.deepEqual(seen, [true, false, true]);
  assert.equal((await watch.status).code, 0);

  await ready.node.stop();
  const none = await ready.hamlet(["status"]);
  assert.equal(none.code, 2);
  assert.match(none.stderr, /^hamlet: No node is running here: /);
});

Deno.test("hamlet kv stores any bytes, and gives them back as they were", async () => {
  await using node = await readyNode();
  const text = 'ä\n\0"\x1b[2J';
  assert.equal(
    (await node.hamlet(["kv", "put", "/e2e/a", "-"], { input: text })).code,
    0,
  );
  assert.equal((await node.hamlet(["kv", "put", "/e2e/b", "two"])).code, 0);
  assert.equal((await node.hamlet(["kv", "get", "/e2e/a"])).stdout, text);
  assert.equal(
    (await node.hamlet(["kv", "get", "--prefix", "/e2e/"])).stdout,
    '/e2e/a ä\\n\\x00"\\x1b[2J\n/e2e/b two\n',
  );
  assert.equal(
    (await node.hamlet(["kv", "del", "/e2e/", "--prefix"])).stdout,
    "2 deleted\n",
  );
  const gone = await node.hamlet(["kv", "get", "/e2e/a"]);
  assert.deepEqual([gone.code, gone.stdout], [1, ""]);
});

Deno.test("hamlet kv watch shows each change", async () => {
  await using node = await readyNode();
  const [command, ...args] = hamletCommand("kv", "watch", "/e2e/", "--prefix");
  const watch = new Deno.Command(command, {
    args: [...args, "--run-dir", node.folders.run, "--json"],
    stdout: "piped",
  }).spawn();
  const kinds: string[] = [];
  for await (
    const line of watch.stdout.pipeThrough(new TextDecoderStream())
  ) {
    kinds.push(JSON.parse(line).kind);
    if (kinds.length === 2) watch.kill("SIGINT");
    else await node.hamlet(["kv", "put", "/e2e/a", "1"]);
  }
  assert.deepEqual(kinds, ["snapshot", "events"]);
  assert.equal((await watch.status).code, 0);
});

Deno.test("hamlet cert issues, lists and revokes what openssl agrees with", async () => {
  await using node = await readyNode();
  const out = `${node.folders.root}/certs`;
  const issued = await node.hamlet(
    ["cert", "issue", "laptop", "--ip", "192.0.2.7,2001:db8::7"].concat(
      ["--out", out, "--json"],
    ),
  );
  assert.equal(issued.code, 0, issued.stderr);
  const { serial, files } = JSON.parse(issued.stdout);
  assert.equal(await serialOf(files.certificate), serial);
  await verifyCertificate(files.certificate, files.ca);
  assert.equal(((await Deno.stat(files.key)).mode ?? 0) & 0o777, 0o600);

  const again = await node.hamlet(
    ["cert", "issue", "laptop", "--ip", "192.0.2.7", "--out", out],
  );
  assert.equal(again.code, 2);
  assert.match(again.stderr, /it exists/);

  const peer = await node.hamlet(
    ["cert", "issue", "laptop", "--ip", "192.0.2.7", "--authority", "peer"]
      .concat(["--out", `${out}/peer`]),
  );
  assert.equal(peer.code, 0);
  assert.match(peer.stderr, /read and\nwrite everything/);

  const revoked = await node.hamlet(["cert", "revoke", "laptop", "--json"]);
  assert.equal(JSON.parse(revoked.stdout).revoked.length, 2);
  const listed = await node.hamlet(["cert", "list", "--json"]);
  const states = JSON.parse(listed.stdout).filter(
    ({ name }: { name: string }) => name === "laptop",
  ).map(({ revoked }: { revoked: boolean }) => revoked);
  assert.deepEqual(states, [true, true]);
  // On disk as soon as the plugin has heard of it.
  const list = `${node.folders.data}/identity/crl.der`;
  while (!(await verifyList(list, files.ca)).includes(serial)) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
});

Deno.test("hamlet logs follows the node, and what changes something is on record", async () => {
  await using node = await readyNode();
  const [command, ...args] = hamletCommand("logs", "root", "--follow");
  const logs = new Deno.Command(command, {
    args: [...args, "--run-dir", node.folders.run],
    stdout: "piped",
  }).spawn();
  let text = "";
  let asked = false;
  for await (
    const chunk of logs.stdout.pipeThrough(new TextDecoderStream())
  ) {
    text += chunk;
    if (!asked) {
      asked = true;
      await node.hamlet(["kv", "put", "/e2e/secret", "hidden"]);
    }
    if (/root\.audit Admin called kv\.put: done.*\/e2e\/secret/.test(text)) {
      break;
    }
  }
  logs.kill("SIGINT");
  await logs.status;
  assert.ok(!text.includes("hidden"));
  const etcd = await node.hamlet(["logs", "root.consensus", "--json"]);
  for (const line of etcd.stdout.trim().split("\n")) {
    assert.match(JSON.parse(line).dn, /^root\.consensus(\.|$)/);
  }
});

Deno.test("hamlet plugins shows the same grants with and without a node", async () => {
  await using node = await readyNode();
  const { data, run } = node.folders;
  const args = ["plugins", "--json", "--data-dir", data, "--run-dir", run];
  const running = await hamlet(args);
  assert.equal(running.code, 0);
  await node.node.stop();
  // What the command line said where to listen is not remembered.
  const config = `${node.folders.root}/config.json`;
  await Deno.writeTextFile(config, JSON.stringify({ listen: "127.0.0.1" }));
  const resting = await hamlet([...args, "--config", config]);
  assert.equal(resting.code, 0, resting.stderr);
  const grants = (text: string) =>
    JSON.parse(text).map((
      { name, permissions }: { name: string; permissions: unknown },
    ) => ({ name, permissions }));
  assert.deepEqual(grants(resting.stdout), grants(running.stdout));
  const text = await hamlet(["plugins", "--data-dir", data, "--run-dir", run]);
  assert.match(
    text.stdout,
    /\nhostsfile in a worker, .*\n {2}reads .*\/data\/hostsfile\n/,
  );
});

Deno.test({
  name: "hamlet says which user may talk to the node",
  // Another user cannot read what a checkout is run with.
  ignore: Deno.uid() !== 0 || !Deno.env.get("HAMLET_BIN"),
  async fn() {
    await using node = await readyNode();
    await Deno.chmod(node.folders.root, 0o755);
    const { code, stderr } = await hamlet(
      ["status", "--run-dir", node.folders.run],
      { prefix: ["setpriv", "--reuid=65534", "--clear-groups"] },
    );
    assert.equal(code, 2);
    assert.match(stderr, /only root may, and you are user 65534/);
  },
});

Deno.test("hamlet dev makes a node in this folder, and continues it", async () => {
  await using folder = await tempFolder();
  const ids: string[] = [];
  for (let round = 0; round < 2; round++) {
    const [command, ...args] = hamletCommand("dev");
    const dev = new Deno.Command(command, {
      args,
      cwd: folder.path,
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    let text = "";
    for await (
      const chunk of dev.stderr.pipeThrough(new TextDecoderStream())
    ) {
      text += chunk;
      if (!/ is ready after \d/.test(text) || ids.length > round) continue;
      // Without a word about where: that is what one types in that folder.
      const { code, stdout } = await hamlet(["status", "--json"], {
        cwd: folder.path,
      });
      assert.equal(code, 0);
      const { node, members } = JSON.parse(stdout);
      ids.push(node.id);
      assert.equal(node.address, "127.0.0.1");
      assert.ok(!members[0].peerURLs[0].endsWith(":7834"));
      dev.kill(round === 0 ? "SIGINT" : "SIGTERM");
    }
    assert.equal((await dev.status).code, 0, text);
    assert.match(text, /^consensus: starting$/m);
    assert.match(text, /\(7 of 7 plugins ready\)$/m);
    assert.match(text, /^Ending in order; once more ends at once$/m);
    assert.deepEqual(await processesOf(`${folder.path}/.hamlet/data`), []);
  }
  assert.equal(ids[0], ids[1]);
});

Deno.test("hamlet run refuses bad ground in words, with a stack for who asks", async () => {
  await using folders = await nodeFolders();
  const args = ["run", "--data-dir", folders.data, "--run-dir", folders.run];
  const empty = await hamlet(args);
  assert.equal(empty.code, 2);
  assert.match(
    empty.stderr,
    /^hamlet: Data folder ".*" is empty: .*--new-cluster/,
  );
  assert.ok(!empty.stderr.includes("    at "), empty.stderr);
  const debug = await hamlet([...args, "--log-level", "debug"]);
  assert.ok(debug.stderr.includes("    at "), debug.stderr);
  await assert.rejects(Deno.stat(folders.data), Deno.errors.NotFound);
});

Deno.test("hamlet run ends at once on the second signal", async () => {
  await using folders = await nodeFolders();
  await using node = new NodeProcess(folders);
  await node.ready();
  // Ending takes as long as etcd, which has stopped.
  const etcd = (await processesOf(folders.data)).find(({ program }) =>
    program === "etcd"
  );
  assert.ok(etcd);
  Deno.kill(etcd.pid, "SIGSTOP");
  node.kill("SIGTERM");
  await node.status(({ ready }) => !ready);
  const start = performance.now();
  node.kill("SIGTERM");
  assert.deepEqual(await node.exited, { code: 1, signal: null });
  // In order, it would wait 9 s for etcd.
  assert.ok(performance.now() - start < 5_000);
  // The kernel ends it with the node.
  while ((await processesOf(folders.data)).length > 0) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
});
