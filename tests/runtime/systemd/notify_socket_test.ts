import assert from "node:assert/strict";
import { openNotifySocket } from "../../../runtime/systemd/notify_socket.ts";
import { tempFolder } from "../../support/temp.ts";
import { serviceManager } from "./service_manager.ts";

Deno.test("openNotifySocket() opens none where nobody wants to be told", () => {
  for (const path of [undefined, "", "relative", "/", `/${"x".repeat(120)}`]) {
    assert.equal(openNotifySocket({ NOTIFY_SOCKET: path }), undefined);
  }
});

Deno.test("tell() reaches a socket in the file system", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/notify`;
  await using manager = await serviceManager(path);
  using socket = openNotifySocket({ NOTIFY_SOCKET: path });
  assert.ok(socket?.tell("READY=1\nSTATUS=Grüße"));
  await manager.told((state) => state === "READY=1\nSTATUS=Grüße");
});

Deno.test("tell() says what was not taken: nobody listens", () => {
  using socket = openNotifySocket({ NOTIFY_SOCKET: "@hamlet-test/nobody" });
  assert.equal(socket?.tell("READY=1"), false);
});

Deno.test("tell() says what was not taken: nobody reads", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/notify`;
  await using manager = await serviceManager(path);
  manager.pause();
  using socket = openNotifySocket({ NOTIFY_SOCKET: path });
  let taken = 0;
  while (socket?.tell("WATCHDOG=1")) taken++;
  // At least as many as Linux keeps by default.
  assert.ok(taken >= 10);
});

Deno.test("watchdog is the time that this process was given", () => {
  const watchdogOf = (env: Record<string, string>) => {
    using socket = openNotifySocket({ NOTIFY_SOCKET: "@x", ...env });
    return socket?.watchdog;
  };
  assert.equal(watchdogOf({}), undefined);
  assert.equal(watchdogOf({ WATCHDOG_USEC: "60000000" }), 60_000);
  const mine = { WATCHDOG_USEC: "60000000", WATCHDOG_PID: `${Deno.pid}` };
  assert.equal(watchdogOf(mine), 60_000);
  const other = { WATCHDOG_USEC: "60000000", WATCHDOG_PID: "1" };
  assert.equal(watchdogOf(other), undefined);
});
