import { kv } from "../../../mod.ts";
import type { Host } from "./host.ts";
import { until } from "./until.ts";

/**
 * Writes a key, again until it is acknowledged.
 *
 * @param host By way of which node.
 * @param key The key.
 * @param value What to write.
 */
export async function write(
  host: Host,
  key: string,
  value: string,
): Promise<void> {
  await until(`${host.name} writes "${key}"`, async () => {
    await host.client.call(kv, "put", {
      key,
      value: new TextEncoder().encode(value),
    });
    return true;
  }, host.explain);
}

/** Reads a key by way of a node. */
export async function read(host: Host, key: string): Promise<string> {
  return (await host.hamlet("kv", "get", key)).trimEnd();
}
