import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import { AdminClient } from "../../runtime/admin/client.ts";
import { kv } from "../../runtime/services/kv.ts";
import { run } from "../support/process.ts";
import { tempFolder } from "../support/temp.ts";
import { Terminal } from "./terminal.ts";

const root = new URL("../../", import.meta.url).pathname;
const heartbeat = `${root}docs/examples/heartbeat`;

/** A distribution with the example in it, made as docs/plugins.md says. */
async function distribution(): Promise<
  { readonly path: string } & AsyncDisposable
> {
  const folder = await tempFolder();
  const parts = [
    "runtime",
    "plugins",
    "proto",
    "scripts",
    "mod.ts",
    "deno.lock",
  ];
  await run("cp", ["-r", ...parts.map((part) => root + part), folder.path]);
  await Deno.mkdir(`${folder.path}/docs/examples`, { recursive: true });
  await run("cp", ["-r", heartbeat, `${folder.path}/docs/examples`]);
  const manifest = JSON.parse(await Deno.readTextFile(`${root}deno.json`));
  const entry = JSON.parse(await Deno.readTextFile(`${heartbeat}/entry.json`));
  await Deno.writeTextFile(
    `${folder.path}/deno.json`,
    JSON.stringify({
      ...manifest,
      plugins: { ...manifest.plugins, ...entry },
    }),
  );
  return folder;
}

Deno.test("docs/examples/heartbeat keeps a key for as long as its node lives", async () => {
  await using folder = await distribution();
  const config = { plugins: { heartbeat: { ttl: 2 } } };
  await Deno.writeTextFile(
    `${folder.path}/config.json`,
    JSON.stringify(config),
  );
  const start = async (...args: string[]) => {
    const command = [
      "scripts/hamlet",
      "dev",
      "--config",
      "config.json",
      "--name",
      "demo",
      ...args,
    ];
    const node = new Terminal(command.join(" "), folder.path);
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

Deno.test("docs/plugins.md quotes the entry of its example", async () => {
  const document = await Deno.readTextFile(`${root}docs/plugins.md`);
  const entry = await Deno.readTextFile(`${heartbeat}/entry.json`);
  // Without the braces around it, and indented as what stands alone.
  const lines = entry.split("\n").slice(1, -2).map((line) => line.slice(2));
  assert.ok(document.includes(lines.join("\n")), lines.join("\n"));
});
