import assert from "node:assert/strict";
import type { PluginMessage } from "../../../runtime/plugin/control.ts";
import { pluginLog } from "../../../runtime/plugin/plugin_log.ts";

Deno.test("pluginLog() drops what is said too fast, and says how much", async () => {
  const dropped = Promise.withResolvers<string>();
  const sent: string[] = [];
  const logger = pluginLog("root.a", (message: PluginMessage) => {
    if (message.kind !== "log") return;
    const { record } = message;
    sent.push(record.message);
    if (record.level === "warning") dropped.resolve(record.message);
  });
  const log = logger("root.a.child");
  for (let i = 0; i < 20_000; i++) log.info(`line ${i}`);
  assert.ok(sent.length >= 2_000 && sent.length < 10_000, `${sent.length}`);
  const count = 20_000 - sent.length;
  assert.match(await dropped.promise, new RegExp(`^Dropped ${count} log`));
  log.info("later");
  assert.equal(sent.at(-1), "later");
});

Deno.test("pluginLog() sends no more of a text than the log keeps", () => {
  let size = 0;
  const logger = pluginLog("root.a", (message: PluginMessage) => {
    size = JSON.stringify(message).length;
  });
  logger("root.a").info("x".repeat(1_000_000), { more: "x".repeat(1_000_000) });
  assert.ok(size > 0 && size < 50_000, `${size}`);
});
