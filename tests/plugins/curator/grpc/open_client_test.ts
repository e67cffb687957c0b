import assert from "node:assert/strict";
import { credentials } from "@grpc/grpc-js";
import { openClient } from "../../../../plugins/curator/grpc/open_client.ts";
import { createStub } from "../../../../plugins/curator/grpc/stub.ts";
import { Membership } from "../../../../proto/gen/hamlet/cluster/v1/membership_pb.ts";

function listen(port = 0): Deno.TcpListener {
  return Deno.listen({ hostname: "127.0.0.1", port });
}

function open(port: number) {
  return openClient(`ipv4:127.0.0.1:${port}`, credentials.createSsl(), {
    "grpc.ssl_target_name_override": "member",
    "grpc.use_local_subchannel_pool": 1,
    "grpc.enable_http_proxy": 0,
  });
}

// That no timer is left, which would ask again, the test runner sees to.
Deno.test("OpenClient.close() is the end where nobody is there", async () => {
  const listener = listen();
  const { port } = listener.addr;
  listener.close();
  const { client, close } = open(port);
  await assert.rejects(createStub(Membership, client).authority({}), {
    name: "RpcError",
  });
  close();
});

Deno.test("OpenClient.close() leaves a peer that takes the connection and says nothing", async () => {
  using listener = listen();
  const { client, close } = open(listener.addr.port);
  const refused = assert.rejects(
    createStub(Membership, client).authority({}),
    { name: "RpcError" },
  );
  using peer = await listener.accept();
  // The beginning of TLS.
  assert(await peer.read(new Uint8Array(10_000)));
  close();
  await refused;
  assert.equal(await peer.read(new Uint8Array(1)), null);
});
