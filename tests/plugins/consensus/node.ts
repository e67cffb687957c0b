import assert from "node:assert/strict";
import type { PluginStatus } from "../../../runtime/status.ts";
import { startNode } from "../../../runtime/node/node.ts";
import type { Node } from "../../../runtime/node/running_node.ts";
import type { NodeSettings } from "../../../runtime/node/settings.ts";
import { freePort } from "../../support/port.ts";
import { tempFolder } from "../../support/temp.ts";
import { etcdctl } from "./harness.ts";

/** A node with the plugins around etcd, in this process. */
export interface EtcdNode extends AsyncDisposable {
  readonly node: Node;
  /** All that it has logged. */
  readonly log: readonly string[];
  /** The path of etcd's socket as etcdctl takes it. */
  readonly endpoint: string;
  /** The process ID of etcd; throws where none runs. */
  etcdPid(): Promise<number>;
  /**
   * Waits for the plugin `consensus`.
   *
   * @param wanted What its status has to be like.
   * @returns The status.
   */
  consensus(wanted: (status: PluginStatus) => boolean): Promise<PluginStatus>;
}

/** Where a node is, which outlives it. */
export interface NodeFolders extends AsyncDisposable {
  readonly data: string;
  readonly run: string;
  /** Of the config file, which does not exist unless a test writes it. */
  readonly config: string;
}

/** @returns A place for a node. */
export async function nodeFolders(): Promise<NodeFolders> {
  const folder = await tempFolder();
  return {
    data: `${folder.path}/data`,
    run: `${folder.path}/run`,
    config: `${folder.path}/config.json`,
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

/**
 * Starts a node.
 *
 * @param folders Where.
 * @param settings What is different from a new cluster on loopback.
 * @returns The node; it is stopped at the end of its `await using`.
 */
export async function startEtcdNode(
  folders: NodeFolders,
  settings: NodeSettings = {},
): Promise<EtcdNode> {
  const log: string[] = [];
  const isNew = await Deno.stat(`${folders.data}/node.json`)
    .then(() => false, () => true);
  const node = await startNode({
    dataDir: folders.data,
    runDir: folders.run,
    listen: "127.0.0.1",
    plugins: ["ca", "consensus", "crl", "autopromoter"],
    hostname: "off",
    logFormat: "json",
    writeLog: (text) => log.push(text),
    ...(isNew
      ? { origin: "new-cluster", peerPort: freePort(), curatorPort: freePort() }
      : {}),
    ...settings,
  });
  const endpoint = `unix://${folders.run}/consensus/client.sock:0`;
  return {
    node,
    log,
    endpoint,
    async etcdPid() {
      for await (const { name } of Deno.readDir("/proc")) {
        if (!/^\d+$/.test(name)) continue;
        const command = await Deno.readTextFile(`/proc/${name}/cmdline`)
          .catch(() => "");
        if (command.includes(`--data-dir=${folders.data}/etcd/data`)) {
          return Number(name);
        }
      }
      throw new Error("No etcd runs");
    },
    async consensus(wanted) {
      for (;;) {
        const changed = Promise.withResolvers<void>();
        const stop = node.onChange(() => changed.resolve());
        try {
          const { plugins } = await node.status();
          const status = plugins.find(({ name }) => name === "consensus");
          assert.ok(status);
          if (wanted(status)) return status;
          await changed.promise;
        } finally {
          stop();
        }
      }
    },
    [Symbol.asyncDispose]: () => node.stop(),
  };
}

/** @returns What etcdctl prints of a key. */
export async function valueOf(endpoint: string, key: string): Promise<string> {
  return await etcdctl(endpoint, "get", "--print-value-only", key);
}
