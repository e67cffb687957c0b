import { Buffer } from "node:buffer";
import {
  connectEtcd,
  type EtcdClient,
} from "../../plugins/consensus/etcd_client.ts";
import {
  type EtcdFiles,
  etcdFiles,
} from "../../plugins/consensus/etcd_files.ts";
import { etcdFlags } from "../../plugins/consensus/etcd_flags.ts";
import { parseEtcdVersion } from "../../plugins/consensus/etcd_version.ts";
import {
  createAuthority,
  exportKey,
  generateKeyPair,
} from "../../plugins/ca/authority.ts";
import { issue } from "../../plugins/ca/issue.ts";
import { signRevocationList } from "../../plugins/ca/revocation_list.ts";
import type { NodeInfo } from "../../runtime/plugin/plugin.ts";
import { freePort } from "../../tests/support/port.ts";
import { run } from "../../tests/support/process.ts";

/** An etcd that runs by itself, as Hamlet would run it. */
export interface BareEtcd {
  readonly pid: number;
  readonly client: EtcdClient;
  /** Milliseconds from its start until the first write was acknowledged. */
  readonly firstWrite: number;
  /** Ends it in order. */
  stop(): Promise<void>;
}

/** Everything an etcd needs but its data: the same files and flags as in a node. */
export class EtcdGround {
  readonly #files: EtcdFiles;
  readonly #args: (newCluster: boolean) => string[];

  private constructor(
    files: EtcdFiles,
    args: (newCluster: boolean) => string[],
  ) {
    this.#files = files;
    this.#args = args;
  }

  /**
   * Makes the certificates and the revocation list.
   *
   * @param folder An empty folder.
   * @returns The ground.
   */
  static async prepare(folder: string): Promise<EtcdGround> {
    const node: NodeInfo = {
      id: `hamlet-${"0".repeat(32)}`,
      name: "bare",
      machineId: "0".repeat(32),
      origin: "new-cluster",
      folders: { data: `${folder}/data`, run: `${folder}/run` },
      listen: "127.0.0.1",
      peerPort: freePort(),
      curatorPort: 0,
    };
    const files = etcdFiles(node.folders);
    for (const path of [files.ca, files.crl, files.socket]) {
      await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), {
        recursive: true,
      });
    }
    const { authority } = await createAuthority("peer");
    const pair = await generateKeyPair();
    const { certificate } = await issue(authority, {
      name: node.id,
      addresses: [node.listen],
      publicKey: await exportKey("spki", pair.publicKey),
    });
    const privateKey = await exportKey("pkcs8", pair.privateKey);
    const list = await signRevocationList(authority, {
      number: 1,
      revoked: [],
    });
    await Deno.writeTextFile(
      files.ca,
      pem("CERTIFICATE", authority.certificate),
    );
    await Deno.writeTextFile(files.cert, pem("CERTIFICATE", certificate));
    await Deno.writeTextFile(files.key, pem("PRIVATE KEY", privateKey));
    await Deno.writeFile(files.crl, list);

    const { stdout } = await run("etcd", ["--version"]);
    const version = parseEtcdVersion(stdout);
    return new EtcdGround(files, (newCluster) =>
      etcdFlags({
        node,
        files,
        version,
        token: "hamlet-bench",
        newCluster,
        backendQuota: 2 * 1024 ** 3,
      }));
  }

  /** Removes the data, so that the next start is that of a new cluster. */
  async empty(): Promise<void> {
    await Deno.remove(this.#files.data, { recursive: true });
  }

  /**
   * Starts etcd and writes to it as soon as it serves.
   *
   * @param newCluster Whether there is no data yet.
   * @param program The program. @default The one on the PATH
   * @returns The etcd.
   */
  async start(newCluster: boolean, program = "etcd"): Promise<BareEtcd> {
    const { run, socket } = this.#files;
    await Deno.remove(socket).catch(() => {}); // Only a first start finds none.
    const begin = performance.now();
    const child = new Deno.Command("setpriv", {
      args: ["--pdeathsig", "KILL", program, ...this.#args(newCluster)],
      cwd: run,
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const serving = Promise.withResolvers<void>();
    const ended = (async () => {
      let log = "";
      for await (
        const text of child.stderr.pipeThrough(new TextDecoderStream())
      ) {
        log += text;
        if (log.includes('"msg":"serving client traffic')) serving.resolve();
      }
      serving.reject(new Error(`Cannot start etcd: it ended with\n${log}`));
      await child.status;
    })();
    await serving.promise;
    const client = await connectEtcd(socket);
    await client.kv.put({
      key: Buffer.from("/bench"),
      value: Buffer.alloc(100),
    });
    return {
      pid: child.pid,
      client,
      firstWrite: performance.now() - begin,
      async stop() {
        client[Symbol.dispose]();
        child.kill("SIGTERM");
        await ended;
      },
    };
  }
}

function pem(label: string, der: Uint8Array): string {
  return `-----BEGIN ${label}-----\n${
    der.toBase64().replaceAll(/.{64}/g, "$&\n")
  }\n-----END ${label}-----\n`;
}
