import { Latest, network, type PluginContext } from "hamlet";
import { peerAddress } from "./etcd_flags.ts";

/**
 * Follows the address under which the others find this node's etcd, in a child `address`.
 *
 * @param ctx The plugin.
 * @returns The address; undefined while there is none.
 */
export function followPeerAddress(
  ctx: PluginContext,
): Latest<string | undefined> {
  const address = new Latest(peerAddress(ctx.node, []));
  if (address.value !== undefined) return address;
  ctx.run("address", async (child) => {
    child.healthy();
    const client = await ctx.use(network);
    for await (const { addresses } of client.watch({}, child)) {
      // A machine that has lost its address is not elsewhere yet.
      address.set(peerAddress(ctx.node, addresses) ?? address.value);
    }
  });
  return address;
}

/**
 * Waits for an address.
 *
 * @param address The address.
 * @param signal Ends the wait; it then throws the signal's reason.
 * @returns The address, as soon as there is one.
 */
export async function known(
  address: Latest<string | undefined>,
  signal: AbortSignal,
): Promise<string> {
  for await (const value of address.watch(signal)) {
    if (value !== undefined) return value;
  }
  throw signal.reason;
}
