import assert from "node:assert/strict";
import { serviceManager } from "../runtime/systemd/service_manager.ts";
import { nodeFolders, NodeProcess } from "./support/node_process.ts";

Deno.test("a node tells systemd that it starts, is ready, lives and ends", async () => {
  await using folders = await nodeFolders();
  const path = `${folders.root}/notify`;
  await using manager = await serviceManager(path);
  await using node = new NodeProcess(folders, {
    args: ["--plugins", "network,hostsfile"],
    env: { NOTIFY_SOCKET: path, WATCHDOG_USEC: "300000" },
  });
  await manager.told((state) => state.includes("EXTEND_TIMEOUT_USEC="));
  await manager.told((state) => state === "READY=1");
  await manager.told((state) => state.startsWith("STATUS=Ready: 2 of 2"));
  await manager.told((state) => state === "WATCHDOG=1");
  assert.ok(!manager.states.includes("STOPPING=1"));
  assert.deepEqual(await node.stop(), { code: 0, signal: null });
  await manager.told((state) => state === "STOPPING=1");
});
