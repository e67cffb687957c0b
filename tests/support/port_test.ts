import assert from "node:assert/strict";
import { freePort } from "./port.ts";

Deno.test("freePort() returns a port that can be listened on", () => {
  const port = freePort();
  using listener = Deno.listen({ hostname: "127.0.0.1", port });
  assert.equal(listener.addr.port, port);
});
