import { type Client, kv } from "hamlet";
import { EtcdLink } from "../../plugins/consensus/etcd_link.ts";
import { createKv } from "../../plugins/consensus/kv_service.ts";
import { connect } from "../../runtime/broker/client.ts";
import { messagePortTransport } from "../../runtime/broker/message_port_transport.ts";
import { Refusals } from "../../runtime/broker/refusals.ts";
import { serve } from "../../runtime/broker/server.ts";

/** A plugin's connection to the store. */
export interface OpenStore extends AsyncDisposable {
  readonly client: Client<typeof kv>;
}

/**
 * Opens the `kv` service as a plugin sees it: through the broker's two ends and within a scope.
 *
 * @param socket The client socket of an etcd.
 * @param keys The scope. @default that of the ca plugin
 * @param access What may be done with them. @default "write"
 * @returns The store; it is gone at the end of its `await using`, which throws what was refused or
 * failed in a way that no contract foresees.
 */
export function openStore(
  socket: string,
  keys = ["/etcd-ca/", "/cluster-ca/"],
  access: "read" | "write" = "write",
): OpenStore {
  const cleanup = new AsyncDisposableStack();
  const refused: string[] = [];
  const link = cleanup.use(new EtcdLink(socket));
  void link.connect();
  const { port1, port2 } = new MessageChannel();
  const served = serve(
    kv,
    createKv({ link }),
    messagePortTransport(port1),
    {
      user: { name: "test", scope: { keys, access } },
      refusals: new Refusals((message) => refused.push(message)),
    },
  );
  cleanup.defer(async () => {
    served.close();
    await served.finished;
    if (refused.length > 0) throw new Error(refused.join("\n"));
  });
  const client = connect(kv, messagePortTransport(port2));
  return { client, [Symbol.asyncDispose]: () => cleanup.disposeAsync() };
}
