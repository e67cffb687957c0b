import assert from "node:assert/strict";
import { AdminClient } from "../../../runtime/admin/client.ts";
import { kv } from "../../../runtime/services/kv.ts";
import { tempFolder } from "../../support/temp.ts";

/** Answers each put, and then sends an event to the one who watches. */
function serveStore(path: string): Deno.HttpServer {
  let watcher: ReadableStreamDefaultController<Uint8Array> | undefined;
  const event = new TextEncoder().encode(
    '{"item": {"kind": "events", "revision": 1, "events": []}}\n',
  );
  return Deno.serve({ path, onListen() {} }, async (request) => {
    await request.text();
    if (request.url.endsWith("/watch")) {
      return new Response(
        new ReadableStream({
          start(controller) {
            watcher = controller;
          },
          cancel() {
            watcher = undefined;
          },
        }),
      );
    }
    watcher?.enqueue(event);
    return Response.json({ revision: 1 });
  });
}

Deno.test("AdminClient.stream() ends when aborted in the middle of thousands of items and calls", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/hamlet.sock`;
  await using _server = serveStore(path);
  using client = new AdminClient(path);
  const aborting = new AbortController();
  let seen = 0;
  const read = (async () => {
    const items = client.stream(
      kv,
      "watch",
      { prefix: "/" },
      aborting.signal,
    );
    for await (const _ of items) seen += 1;
  })();
  let calls = 0;
  await Promise.all(Array.from({ length: 16 }, async () => {
    for (; calls < 3_000; calls += 1) {
      await client.call(kv, "put", { key: "/key", value: new Uint8Array(1) });
    }
  }));
  aborting.abort();
  await read;
  assert.ok(seen > 0);
});
