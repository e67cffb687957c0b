import { Buffer } from "node:buffer";
import {
  connectEtcd,
  type EtcdClient,
} from "../../plugins/consensus/etcd_client.ts";
import {
  type EtcdFiles,
  etcdFiles,
} from "../../plugins/consensus/etcd_files.ts";
import {
  etcdFlags,
  type PeerMember,
  peerUrl,
} from "../../plugins/consensus/etcd_flags.ts";
import { parseEtcdVersion } from "../../plugins/consensus/etcd_version.ts";
import {
  type Authority,
  createAuthority,
  exportKey,
  generateKeyPair,
} from "../../plugins/ca/authority.ts";
import { issue } from "../../plugins/ca/issue.ts";
import { signRevocationList } from "../../plugins/ca/revocation_list.ts";
import { pem } from "../../runtime/cli/pem.ts";
import type { NodeInfo } from "../../runtime/plugin/plugin.ts";
import { freePort } from "../../tests/support/port.ts";
import { run } from "../../tests/support/process.ts";

/** An etcd that runs by itself, as Hamlet would run it. */
export interface BareEtcd {
  readonly pid: number;
  readonly client: EtcdClient;
  /** When it was started, of the clock of `performance`. */
  readonly startedAt: number;
  /** Writes to it. */
  write(): Promise<void>;
  /** Ends it in order. */
  stop(): Promise<void>;
  /** Ends it as the kernel would. */
  kill(): Promise<void>;
}

/** Where an etcd is, and with whom. */
export interface EtcdGroundOptions {
  /** The program. @default the one on the PATH */
  readonly etcd?: string;
  /** Who vouches for it to its peers. @default An authority of its own */
  readonly authority?: Authority;
  /** Where its peers reach it. @default {"127.0.0.1"} */
  readonly address?: string;
  /** Makes the command line that runs it there, as the same process. @default This machine */
  readonly enter?: (...command: string[]) => [string, ...string[]];
}

/** What an etcd without data becomes: the first of a new cluster, or one more of those that are there. */
export type EtcdState = Parameters<typeof etcdFlags>[0]["state"];

/** Everything an etcd needs but its data: the same files and flags as in a node. */
export class EtcdGround {
  /** How the others of its cluster are told of it. */
  readonly member: PeerMember;
  readonly #files: EtcdFiles;
  readonly #command: (
    state: EtcdState,
    others: readonly PeerMember[],
  ) => [string, ...string[]];

  private constructor(
    member: PeerMember,
    files: EtcdFiles,
    command: (
      state: EtcdState,
      others: readonly PeerMember[],
    ) => [string, ...string[]],
  ) {
    this.member = member;
    this.#files = files;
    this.#command = command;
  }

  /**
   * Makes the certificates and the revocation list.
   *
   * @param folder An empty folder.
   * @param options See {@linkcode EtcdGroundOptions}.
   * @returns The ground.
   */
  static async prepare(
    folder: string,
    options: EtcdGroundOptions = {},
  ): Promise<EtcdGround> {
    const {
      authority = (await createAuthority("peer")).authority,
      address = "127.0.0.1",
      etcd = "etcd",
      enter = (program, ...args) => [program ?? "", ...args],
    } = options;
    const machineId = crypto.getRandomValues(new Uint8Array(16)).toHex();
    const node: NodeInfo = {
      id: `hamlet-${machineId}`,
      name: "bare",
      machineId,
      origin: "new-cluster",
      role: "member",
      folders: { data: `${folder}/data`, run: `${folder}/run` },
      listen: address,
      peerPort: freePort(),
      curatorPort: 0,
    };
    const files = etcdFiles(node.folders);
    for (const path of [files.ca, files.crl, files.socket]) {
      await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), {
        recursive: true,
      });
    }
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
    const peerURL = peerUrl(node.listen, node.peerPort);
    return new EtcdGround(
      { name: node.id, peerURL },
      files,
      (state, others) =>
        enter(
          // Whoever enters namespaces by nsenter leaves the folder it was in.
          ...["env", `--chdir=${files.run}`],
          ...["setpriv", "--pdeathsig", "KILL", etcd],
          ...etcdFlags({
            node,
            files,
            version,
            token: "hamlet-bench",
            peerURL,
            state,
            others,
            backendQuota: 2 * 1024 ** 3,
          }),
        ),
    );
  }

  /** Removes the data, so that the next start is that of a new member. */
  async empty(): Promise<void> {
    await Deno.remove(this.#files.data, { recursive: true });
  }

  /**
   * Starts etcd.
   *
   * @param state What it becomes if there is no data yet.
   * @param others Who else is a member then. @default nobody
   * @returns The etcd, as soon as it serves.
   */
  async start(
    state: EtcdState,
    others: readonly PeerMember[] = [],
  ): Promise<BareEtcd> {
    const { socket } = this.#files;
    await Deno.remove(socket).catch(() => {}); // Only a first start finds none.
    const [program, ...args] = this.#command(state, others);
    const startedAt = performance.now();
    const child = new Deno.Command(program, {
      args,
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
    const end = async (signal: Deno.Signal) => {
      client[Symbol.dispose]();
      try {
        child.kill(signal);
      } catch {
        // It has ended by itself, since it is no member any more.
      }
      await ended;
    };
    return {
      pid: child.pid,
      client,
      startedAt,
      async write() {
        await client.kv.put({
          key: Buffer.from("/bench"),
          value: Buffer.alloc(100),
        });
      },
      stop: () => end("SIGTERM"),
      kill: () => end("SIGKILL"),
    };
  }
}
