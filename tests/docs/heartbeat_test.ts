import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import { AdminClient } from "../../runtime/admin/client.ts";
import { kv } from "../../runtime/services/kv.ts";
import { tempFolder } from "../support/temp.ts";
import { Terminal } from "./terminal.ts";

const root = new URL("../../", import.meta.url).pathname;
const heartbeat = `${root}docs/examples/heartbeat`;

/** The example by itself, far from Hamlet's own folder. */
async function copied(): Promise<{ readonly path: string } & AsyncDisposable> {
  const folder = await tempFolder();
  for (const name of ["deno.json", "plugin.ts"]) {
    await Deno.copyFile(`${heartbeat}/${name}`, `${folder.path}/${name}`);
  }
  return folder;
}

Deno.test("docs/examples/heartbeat keeps a key for as long as its node lives", async () => {
  await using folder = await copied();
  const config = { plugins: { heartbeat: { ttl: 2 } } };
  await Deno.writeTextFile(
    `${folder.path}/config.json`,
    JSON.stringify(config),
  );
  const start = async (...args: string[]) => {
    const command = [
      `${root}scripts/hamlet`,
      "dev",
      "--manifest",
      "deno.json",
      "--config",
      "config.json",
      "--name",
      "demo",
      ...args,
    ];
    const node = new Terminal(command.join(" "), { cwd: folder.path });
    await node.shows(
      ["demo is ready"],
      (line) => line.startsWith("demo is ready") ? "demo is ready" : line,
    );
    return node;
  };
  /** Waits until the keys are as they should be. */
  const beats = async (...expected: { key: string; name: string }[]) => {
    using client = new AdminClient(`${folder.path}/.hamlet/run/hamlet.sock`);
    const { id } = (await client.status()).node;
    const prefix = "/heartbeat/";
    const signal = AbortSignal.timeout(20_000);
    for await (const _ of client.stream(kv, "watch", { prefix }, signal)) {
      const { kvs } = await client.call(kv, "range", { prefix });
      const found = kvs.map(({ key, value }) => ({
        key: key.replace(id, "ID"),
        name: JSON.parse(new TextDecoder().decode(value)).name,
      }));
      if (isDeepStrictEqual(found, expected)) return;
    }
    assert.fail(`Not found: ${JSON.stringify(expected)}`);
  };
  {
    await using node = await start();
    await beats({ key: "/heartbeat/ID", name: "demo" });
    await node.interrupt();
    await node.ended();
  }
  // Without the plugin nobody renews the lease, if its end has not revoked it already.
  await using node = await start("--plugins", "consensus,ca");
  await beats();
  await node.interrupt();
  await node.ended();
});

Deno.test("docs/plugins.md quotes the manifest of its example", async () => {
  const document = await Deno.readTextFile(`${root}docs/plugins.md`);
  const manifest = await Deno.readTextFile(`${heartbeat}/deno.json`);
  assert.ok(document.includes(`\n${manifest}\`\`\``), manifest);
});
