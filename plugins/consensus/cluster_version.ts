import { FatalError, ifThere, ServiceError, v, writeFileAtomic } from "hamlet";
import { type EtcdVersion, formatVersion } from "./etcd_version.ts";
import { getText } from "./get_text.ts";

/** What etcd's data is of: the oldest minor version among the members, which etcd never lets go back by itself. */
export type ClusterVersion = Pick<EtcdVersion, "major" | "minor">;

/** Milliseconds that etcd may take to tell it. */
const PATIENCE = 2_000;

/** Until the members have agreed on one, etcd says `not_decided`. */
const Answer = v.object({ etcdcluster: v.string() });

/**
 * The cluster version as this node knows it, on disk beside etcd's data: before etcd is started nobody else can tell
 * it, and an etcd that skips one ends in words that do not say so (3.6 on the data of 3.4: "removed all voters").
 */
export class KnownClusterVersion {
  readonly #path: string;
  #known: ClusterVersion | undefined;

  private constructor(path: string, known: ClusterVersion | undefined) {
    this.#path = path;
    this.#known = known;
  }

  /**
   * Reads what is known.
   *
   * @param path The file, which need not be there.
   * @returns What is known.
   * @throws {FatalError} If the file does not say a version.
   */
  static async open(path: string): Promise<KnownClusterVersion> {
    const text = await ifThere(Deno.readTextFile(path));
    const known = text === undefined ? undefined : parse(text.trim());
    if (text === undefined || known !== undefined) {
      return new KnownClusterVersion(path, known);
    }
    throw new FatalError(
      `Cannot read "${path}": it does not say a version of etcd; write the one that ran here last into it, such as 3.5`,
    );
  }

  /**
   * Refuses an etcd that must not go on with the data: https://etcd.io/docs/v3.6/upgrades/ allows one minor version up.
   *
   * @param version The etcd.
   * @param data Where the data is.
   * @throws {FatalError} With what to start instead.
   */
  check(version: EtcdVersion, data: string): void {
    if (this.#known === undefined || isNear(version, this.#known)) return;
    const { major, minor } = this.#known;
    const up = version.minor - minor;
    const older = version.major < major ||
      (version.major === major && up < 0);
    const next = `${major}.${minor + 1}`;
    throw new FatalError(
      `Cannot start etcd ${
        formatVersion(version)
      } on "${data}", which is at etcd ${major}.${minor}: ` +
        (older
          ? `etcd does not go back; start the Hamlet that ran here last, or give etcd ${major}.${minor} or ${next} with --etcd`
          : `etcd goes up one minor version at a time; start a Hamlet with etcd ${next} first, or give one with --etcd, ` +
            `on every node of the cluster`),
    );
  }

  /**
   * Refuses an etcd that the members cannot work with: as a member, it would end at each start, and nobody else could
   * join until it is given up.
   *
   * @param version The version of the etcd that is to join them.
   * @throws {ServiceError} `invalid-argument` with what to start instead.
   */
  admit(version: string): void {
    const joining = parse(version);
    if (
      this.#known === undefined ||
      joining !== undefined && isNear(joining, this.#known)
    ) return;
    const { major, minor } = this.#known;
    throw new ServiceError(
      "invalid-argument",
      `The members are at etcd ${major}.${minor} and cannot work with etcd ${version}: start the Hamlet that they run, ` +
        `or give etcd ${major}.${minor} or ${major}.${minor + 1} with --etcd`,
    );
  }

  /**
   * Asks etcd, and remembers the answer.
   *
   * @param socket The path of etcd's client socket.
   * @returns The version, if it is news.
   * @throws If etcd does not answer, or the answer cannot be written down.
   */
  async look(socket: string): Promise<ClusterVersion | undefined> {
    const answer = await getText(socket, "/version", PATIENCE);
    const now = parse(v.parse(Answer, JSON.parse(answer)).etcdcluster);
    if (
      now === undefined ||
      (now.major === this.#known?.major && now.minor === this.#known.minor)
    ) return undefined;
    await this.note(now);
    return now;
  }

  /**
   * Remembers a version.
   *
   * @param version The version.
   * @throws If it cannot be written down.
   */
  async note({ major, minor }: ClusterVersion): Promise<void> {
    await writeFileAtomic(this.#path, `${major}.${minor}\n`);
    this.#known = { major, minor };
  }
}

/** Whether an etcd can be a member at a cluster version, which is that of the oldest one. */
function isNear({ major, minor }: ClusterVersion, known: ClusterVersion) {
  return major === known.major &&
    (minor === known.minor || minor === known.minor + 1);
}

function parse(text: string): ClusterVersion | undefined {
  const found = /^(\d+)\.(\d+)(?:\.\d+)?$/.exec(text);
  const [major, minor] = (found ?? []).slice(1).map(Number);
  return major === undefined || minor === undefined
    ? undefined
    : { major, minor };
}
