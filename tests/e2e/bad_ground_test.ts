import assert from "node:assert/strict";
import { faketime } from "../support/faketime.ts";
import { run } from "../support/process.ts";
import { copyNode, madeNode } from "./support/made_node.ts";
import {
  hamletCommand,
  isCompiled,
  nodeFolders,
  NodeProcess,
} from "./support/node_process.ts";
import { asNobody, NOBODY } from "./support/nobody.ts";
import { assertRefused, type Refusal } from "./support/refused.ts";
import { tree } from "./support/tree.ts";

const isRoot = Deno.uid() === 0;
/** What a start on a node's folder writes even if it is refused: which process holds it. */
const except = /\/lock /;

async function script(path: string, ...lines: string[]): Promise<string> {
  await Deno.writeTextFile(path, ["#!/bin/sh", ...lines, ""].join("\n"), {
    mode: 0o755,
  });
  return path;
}

Deno.test("a start is refused on an empty folder without --new-cluster", async () => {
  await using folders = await nodeFolders();
  await assertRefused(folders, {
    newCluster: false,
    code: 2,
    says: [folders.data, "--new-cluster"],
  });
});

Deno.test({
  name: "a start is refused on a folder that is not writable",
  ignore: !isRoot,
  async fn() {
    for (const name of ["data", "run"] as const) {
      await using folders = await nodeFolders();
      await Deno.chmod(folders.root, 0o777);
      await Deno.mkdir(folders[name], { mode: 0o755 });
      await assertRefused(folders, {
        prefix: asNobody,
        code: 1,
        says: [folders[name], `${NOBODY}`, `--${name}-dir`],
      });
      await Deno.remove(folders[name]);
      // One that is not there, and cannot be made.
      await Deno.chmod(folders.root, 0o755);
      await assertRefused(folders, {
        prefix: asNobody,
        code: 1,
        says: [folders.root, `${NOBODY}`],
      });
    }
  },
});

Deno.test({
  name: "a start is refused on a full disk",
  ignore: !isRoot,
  async fn() {
    await using folders = await nodeFolders();
    const { root, data } = folders;
    await Deno.mkdir(data);
    const list =
      `find ${data} -printf '%P %m %s ' -type f -exec sha256sum {} ';' -o -print`;
    // The disk is there for this script alone, and gone with it.
    const full = await script(
      `${root}/full`,
      "set -e",
      `mount -t tmpfs -o size=100m,mode=700 hamlet ${data}`,
      `${list} > ${root}/before`,
      "set +e",
      '"$@"',
      "code=$?",
      `${list} > ${root}/after`,
      "exit $code",
    );
    await using node = new NodeProcess(folders, {
      prefix: ["unshare", "--mount", full],
    });
    const exit = await node.exited;
    assert.deepEqual(exit, { code: 1, signal: null }, node.text());
    assert.match(node.text(), /100\.0 MiB left .*160\.0 MiB.*--data-dir/);
    assert.equal(
      await Deno.readTextFile(`${root}/after`),
      await Deno.readTextFile(`${root}/before`),
    );
  },
});

Deno.test("a start is refused on a port that is taken", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  await using folders = await nodeFolders();
  await assertRefused(folders, {
    peerPort: port,
    code: 1,
    says: [`${port}`, "--peer-port"],
  });
});

Deno.test("a start is refused without an etcd", async () => {
  await using folders = await nodeFolders();
  const { root } = folders;
  const bin = `${root}/bin`;
  await Deno.mkdir(bin);
  const { stdout } = await run("sh", ["-c", "command -v setpriv"]);
  await Deno.symlink(stdout.trim(), `${bin}/setpriv`);
  await assertRefused(folders, {
    env: { PATH: bin },
    code: 1,
    says: ["etcd", "PATH", "--etcd"],
  });
  await assertRefused(folders, {
    args: ["--etcd", `${root}/nothing`],
    code: 1,
    says: [`${root}/nothing`, "--etcd"],
  });
});

Deno.test("a start is refused with a program that is no etcd, or an old one", async () => {
  await using folders = await nodeFolders();
  const { root } = folders;
  const nonsense = await script(`${root}/nonsense`, "echo hello");
  await assertRefused(folders, {
    args: ["--etcd", nonsense],
    code: 1,
    says: ["hello", "3.4"],
  });
  const silent = await script(`${root}/silent`, "exit 7");
  await assertRefused(folders, {
    args: ["--etcd", silent],
    code: 1,
    says: ["etcd", "3.4"],
  });
  const old = await script(
    `${root}/old`,
    "echo etcd Version: 3.3.25",
    "echo Git SHA: 1",
  );
  await assertRefused(folders, {
    args: ["--etcd", old],
    code: 1,
    says: ["3.3.25", "3.4"],
  });
});

Deno.test("a start is refused with a run folder too long for a socket", async () => {
  await using folders = await nodeFolders();
  const run = `${folders.root}/${"r".repeat(80)}`;
  await assertRefused({ ...folders, run }, {
    code: 1,
    says: [run, "107", "--run-dir"],
  });
});

Deno.test("a start is refused with a plugin that there is not", async () => {
  await using folders = await nodeFolders();
  await assertRefused(folders, {
    args: ["--plugins", "consensus,nope"],
    code: 2,
    says: ['"nope"', "consensus", "hostsfile"],
  });
});

Deno.test("a start is refused with a config file that cannot be used", async () => {
  await using folders = await nodeFolders();
  const config = `${folders.root}/config.json`;
  const refused = async (text: string, ...says: Refusal["says"]) => {
    await Deno.writeTextFile(config, text);
    await assertRefused(folders, {
      args: ["--config", config],
      code: 1,
      says: [config, ...says],
    });
  };
  await refused("{", /config\.json:\d+:\d+/);
  await refused("\u0000\u0001", /config\.json:\d+:\d+/);
  await refused('{\n  "nmae": "a"\n}', "config.json:2:3", "nmae", "name");
  await refused('{\n  "name": "A B"\n}', "config.json:2:", "DNS label");
  await refused('{\n  "plugins": { "nope": {} }\n}', "nope", "consensus");
  await Deno.writeTextFile(
    config,
    '{\n  "plugins": { "consensus": { "backendQuota": "much" } }\n}',
  );
  await assertRefused(folders, {
    args: ["--config", config],
    code: 1,
    says: ["plugins.consensus", "backendQuota"],
  });
  await Deno.remove(config);
  await assertRefused(folders, {
    args: ["--config", config],
    code: 1,
    says: [config],
  });
});

Deno.test("a start is refused with a manifest that grants nonsense", {
  ignore: isCompiled,
}, async () => {
  await using folders = await nodeFolders();
  const manifest = `${folders.root}/deno.json`;
  const refused = async (entry: object, ...says: Refusal["says"]) => {
    const plugins = {
      probe: { module: "./probe.ts", isolation: "worker", ...entry },
    };
    await Deno.writeTextFile(manifest, JSON.stringify({ plugins }, null, 2));
    await assertRefused(folders, {
      args: ["--manifest", manifest],
      code: 1,
      says: [/deno\.json:\d+:\d+/, "probe", ...says],
    });
  };
  await Deno.writeTextFile(`${folders.root}/probe.ts`, "export default {};");
  await refused({ permissions: { read: "everything" } }, "read");
  await refused({ permissions: { run: ["sh"] } }, "run");
  await refused({ permissions: { read: ["${nope}/x"] } }, "${nope}");
  await refused({ permissions: { read: ["${data}/identity"] } }, "key");
  await refused({ permissions: { write: [manifest] } }, "write");
  await refused({ permissions: { net: ["*:80"] } }, "net");
  await refused({ uses: { nope: {} } }, "nope");
  await refused({ isolation: "process" }, "process", "worker");
  await Deno.writeTextFile(manifest, "{");
  await assertRefused(folders, {
    args: ["--manifest", manifest],
    code: 1,
    says: [manifest],
  });
});

Deno.test("a start is refused on a node that is not as it was left", async (t) => {
  await using node = await madeNode();
  const { data } = node;

  const damaged = (
    name: string,
    file: string,
    change: (path: string) => Promise<void>,
    says: string,
    but = except,
  ) =>
    t.step(name, async () => {
      await using folders = await copyNode(node);
      await change(`${folders.data}/${file}`);
      await assertRefused(folders, {
        newCluster: false,
        code: 1,
        says: [file, says],
        except: but,
      });
    });
  // What etcd writes at every start: whether the seal key is the right one, only its data can tell.
  const orStore = /\/lock |\/etcd\/data\//;
  const garbage = (path: string) => Deno.writeTextFile(path, "garbage\n");
  const gone = (path: string) => Deno.remove(path);
  const empty = (path: string) => Deno.truncate(path, 0);

  await t.step("--new-cluster on a node with data", async () => {
    await using folders = await copyNode(node);
    await assertRefused(folders, {
      code: 2,
      says: [folders.data, "--new-cluster"],
      except,
    });
  });
  await t.step("data of another node", async () => {
    await using other = await madeNode();
    await using folders = await copyNode(node);
    await run("cp", [
      `${other.data}/identity/key.pem`,
      `${folders.data}/identity/key.pem`,
    ]);
    const { id } = JSON.parse(await Deno.readTextFile(`${data}/node.json`));
    await assertRefused(folders, {
      newCluster: false,
      code: 1,
      says: [folders.data, id, "key.pem"],
      except,
    });
  });
  await t.step("the port it remembers is taken", async () => {
    await using folders = await copyNode(node);
    const { peerPort: port } = JSON.parse(
      await Deno.readTextFile(`${data}/node.json`),
    );
    using _listener = Deno.listen({ hostname: "127.0.0.1", port });
    await assertRefused(folders, {
      newCluster: false,
      code: 1,
      says: [`${port}`, "--peer-port"],
      except,
    });
  });
  await t.step("no etcd any more", async () => {
    await using folders = await copyNode(node);
    await assertRefused(folders, {
      newCluster: false,
      args: ["--etcd", "/nothing"],
      code: 1,
      says: ["/nothing", "--etcd"],
      except,
    });
  });
  await damaged("garbage as key", "identity/key.pem", garbage, "backup");
  await damaged("no key", "identity/key.pem", gone, "missing");
  await damaged("empty key", "identity/key.pem", empty, "backup");
  await damaged("garbage as node.json", "node.json", garbage, "backup");
  await damaged("empty node.json", "node.json", empty, "backup");
  for (const name of ["cert", "key", "ca"]) {
    const file = `etcd/peer-pki/${name}.pem`;
    await damaged(`garbage as ${file}`, file, garbage, "damaged");
    await damaged(`no ${file}`, file, gone, "restore");
  }
  const list = "etcd/peer-crl/crl.der";
  await damaged("garbage as revocation list", list, garbage, "remove the file");
  await damaged("empty revocation list", list, empty, "remove the file");
  const seal = "ca/seal.key";
  await damaged("garbage as seal key", seal, garbage, "not 32", orStore);
  await damaged("no seal key", seal, gone, "another member", orStore);
  const other = (path: string) => Deno.writeFile(path, new Uint8Array(32));
  await damaged("another seal key", seal, other, "another member", orStore);
});

Deno.test("a second Hamlet on the folders of a running one is refused, and the first goes on", async () => {
  await using folders = await nodeFolders();
  await using first = new NodeProcess(folders);
  await first.ready();
  for (const newCluster of [true, false]) {
    await using second = new NodeProcess(folders, { newCluster });
    assert.deepEqual(await second.exited, { code: 1, signal: null });
    assert.match(second.text(), new RegExp(`process ${first.pid}\\b`));
  }
  // With one of its folders alone, too.
  for (const name of ["data", "run"] as const) {
    await using others = await nodeFolders();
    const before = await tree(others.root);
    const mixed = { ...others, [name]: folders[name] };
    await using second = new NodeProcess(mixed);
    assert.deepEqual(await second.exited, { code: 1, signal: null });
    assert.match(second.text(), new RegExp(`process ${first.pid}\\b`));
    assert.deepEqual(await tree(others.root), before);
  }
  assert.equal((await first.status()).ready, true);
  assert.deepEqual(await first.stop(), { code: 0, signal: null });
});

Deno.test("a node starts with a clock of 1970 and says so", async () => {
  await using folders = await nodeFolders();
  const library = await faketime();
  await using node = new NodeProcess(folders, {
    env: { LD_PRELOAD: library, FAKETIME: "@1970-01-01 00:00:10" },
  });
  const { warnings } = await node.ready();
  assert.ok(
    warnings.some((warning) => /clock .*1970-01-01/.test(warning)),
    warnings.join(),
  );
  assert.ok(
    node.log.some(({ level, message }) =>
      level === "warning" && message.includes("1970-01-01")
    ),
  );
  const [command, ...args] = hamletCommand(
    ...["cert", "issue", "early", "--ip", "192.0.2.1"],
    ...["--run-dir", folders.run, "--out", folders.root],
  );
  await run(command, args, {
    env: { LD_PRELOAD: library, FAKETIME: "@1970-01-01 00:00:20" },
  });
  // Both now and then.
  for (const at of ["20", `${Math.floor(Date.now() / 1000)}`]) {
    await run("openssl", [
      ...["verify", "-attime", at, "-CAfile", `${folders.root}/ca.pem`],
      `${folders.root}/early.pem`,
    ]);
  }
  assert.deepEqual(await node.stop(), { code: 0, signal: null });
});
