import { run } from "../../support/process.ts";
import type { NodeFolders } from "./node_process.ts";

/**
 * Asks a node's etcd, past Hamlet.
 *
 * @param folders The node.
 * @param args What to ask.
 * @returns What etcdctl prints.
 */
export async function etcdctl(
  folders: NodeFolders,
  ...args: string[]
): Promise<string> {
  const { stdout } = await run("etcdctl", [
    "--endpoints",
    `unix://${folders.run}/consensus/client.sock:0`,
    ...args,
  ], { env: { ETCDCTL_API: "3" } });
  return stdout;
}

/**
 * Reads keys from a node's etcd, past Hamlet.
 *
 * @param folders The node.
 * @param prefix How the keys start.
 * @returns Their values.
 */
export async function readKeys(
  folders: NodeFolders,
  prefix: string,
): Promise<Map<string, Uint8Array<ArrayBuffer>>> {
  const { kvs = [] }: { kvs?: { key: string; value?: string }[] } = JSON.parse(
    await etcdctl(folders, "get", "--prefix", prefix, "--write-out=json"),
  );
  return new Map(kvs.map(({ key, value = "" }) => [
    new TextDecoder().decode(Uint8Array.fromBase64(key)),
    Uint8Array.fromBase64(value),
  ]));
}
