import {
  type Client,
  type enrollment,
  failpoint,
  ifThere,
  type Latest,
  type NodeInfo,
  ServiceError,
  writeFileAtomic,
} from "hamlet";
import { delay } from "./delay.ts";
import type { EtcdFiles } from "./etcd_files.ts";
import { etcdFlags, loopback, type PeerMember, peerUrl } from "./etcd_flags.ts";
import { EtcdExitError } from "./etcd_process.ts";
import { type EtcdVersion, formatVersion } from "./etcd_version.ts";
import { exists } from "./exists.ts";
import { hasLog } from "./has_log.ts";
import type { Membership } from "./membership.ts";
import { known } from "./peer_address.ts";
import { removeAll } from "./remove_all.ts";

/** Options of {@linkcode EtcdStarts}. */
export interface EtcdStartsOptions {
  readonly node: NodeInfo;
  readonly files: EtcdFiles;
  readonly version: EtcdVersion;
  readonly membership: Membership;
  /** Bytes of the database after which etcd refuses writes. */
  readonly backendQuota: number;
  /** Where the others find this node. */
  readonly address: Latest<string | undefined>;
  /** Those who let this node join; waits until they can be asked. */
  members(): Promise<Client<typeof enrollment>>;
  /** Returns when no etcd of this plugin runs any more, not even one that is just ending. */
  ended(signal: AbortSignal): Promise<void>;
  /** Told what a start waits for. */
  report(problem: string): void;
}

/** One start of etcd. */
export interface EtcdStart {
  readonly args: readonly string[];
  /** Aborts when this etcd is to end and another to start; the reason says why. */
  readonly again: AbortSignal;
}

/**
 * Decides what each start of etcd begins with: which data, which arguments.
 *
 * A member that joins has nothing to lose until it has a vote. So whenever its data is of no use, it
 * begins anew: by another member ID, since the leader counts on what the old one has acknowledged.
 */
export class EtcdStarts {
  readonly #options: EtcdStartsOptions;
  /** Until etcd has told that this member has a vote, at least once in the life of its data. */
  #joining: boolean;
  /** Set when the data of a member that joins is of no use any more. */
  #useless = false;
  /** Set when the member that joins has begun with the log of an earlier start. */
  #resumes = false;
  #forceNewCluster = false;
  #again = new AbortController();

  /** @param options See {@linkcode EtcdStartsOptions}. */
  constructor(options: EtcdStartsOptions) {
    this.#options = options;
    this.#joining = options.membership.kind === "joining";
  }

  /** Whether this member has no vote yet, as far as is known. */
  get joining(): boolean {
    return this.#joining;
  }

  /**
   * Makes etcd's data what the next start needs.
   *
   * @param signal Ends it.
   * @returns The start.
   */
  async prepare(signal: AbortSignal): Promise<EtcdStart> {
    const { node, files, version, membership, backendQuota } = this.#options;
    this.#again = new AbortController();
    const address = this.#joining
      ? await known(this.#options.address, signal)
      : this.#options.address.value ?? loopback(node);
    const peerURL = peerUrl(address, node.peerPort);
    const others = this.#joining ? await this.#join(peerURL, signal) : [];
    if (membership.kind === "founding" && membership.gate.nothing) {
      await removeAll(files.data);
    }
    return {
      args: etcdFlags({
        node,
        files,
        version,
        token: membership.token,
        peerURL,
        state: membership.kind === "founding" ? "new" : "existing",
        others,
        forceNewCluster: this.#forceNewCluster,
        backendQuota,
      }),
      again: this.#again.signal,
    };
  }

  /** Takes note that etcd has a vote and a leader: from now on its data is precious. */
  async voting(): Promise<void> {
    this.#forceNewCluster = false;
    if (!this.#joining) return;
    await writeFileAtomic(this.#options.files.bootstrapped, "");
    this.#joining = false;
  }

  /** Gives up the data of a member that joins; the next start gets it another member ID. */
  discard(): void {
    this.#useless = this.#joining;
  }

  /**
   * Takes note that etcd has found nothing in its log. Of an earlier start, that is of no use: it was killed right after
   * the log was made, and etcd would not be told again who the others are.
   */
  empty(): void {
    if (!this.#joining || !this.#resumes) return;
    this.discard();
    this.again(
      new EtcdExitError(
        "etcd was killed before it had anything of the cluster: this learner joins anew",
      ),
    );
  }

  /** Lets the next start forget all other members. */
  forceNewCluster(): void {
    this.#forceNewCluster = true;
  }

  /**
   * Ends etcd and starts it again.
   *
   * @param reason Why.
   */
  again(reason: Error): void {
    this.#again.abort(reason);
  }

  /** Becomes a member, unless this node's etcd has begun to be one. */
  async #join(peerURL: string, signal: AbortSignal): Promise<PeerMember[]> {
    const { node, files, version, report } = this.#options;
    if (this.#useless) {
      await this.#options.ended(signal);
      // The folder itself stays: it says that there has been an etcd.
      await removeAll(`${files.data}/member`);
      this.#useless = false;
    }
    // With one, etcd knows by itself who is there, and needs nobody's help to get on.
    this.#resumes = await hasLog(files.log);
    if (this.#resumes) return [];
    report("waiting for its turn to become a member");
    const restart = await exists(files.data) ||
      await ifThere(Deno.readTextFile(files.joining)) !== peerURL;
    await writeFileAtomic(files.joining, peerURL);
    const members = await this.#add(
      { peerURL, restart, version: formatVersion(version) },
      signal,
    );
    failpoint("after adding the member");
    await removeAll(files.data);
    return members.filter(({ name }) => name !== node.id);
  }

  /** Asks to be added until that is done: others may come first, or not know this node's address yet. */
  async #add(
    input: { peerURL: string; restart: boolean; version: string },
    signal: AbortSignal,
  ): Promise<PeerMember[]> {
    for (;;) {
      const client = await this.#options.members();
      try {
        return (await client.addMember(input, { signal })).members;
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof ServiceError)) throw error;
        this.#options.report(`cannot become a member yet: ${error.message}`);
      }
      await delay(PAUSE, signal);
    }
  }
}

/** Milliseconds until another try to be added. */
const PAUSE = 1_000;
