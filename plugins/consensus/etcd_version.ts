import { FatalError } from "hamlet";

/** The version of a program that is etcd. */
export interface EtcdVersion {
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
}

/**
 * Reads the version that etcd tells.
 *
 * @param output What `etcd --version` wrote.
 * @returns The version.
 * @throws {FatalError} If it is not etcd, or older than 3.4.
 */
export function parseEtcdVersion(output: string): EtcdVersion {
  const found = output.match(/^etcd Version: (\d+)\.(\d+)\.(\d+)/m);
  const [major, minor, patch] = (found ?? []).slice(1).map(Number);
  if (major === undefined || minor === undefined || patch === undefined) {
    throw new FatalError(
      `Cannot use the program "etcd": it is another one, since "etcd --version" says ${
        JSON.stringify(output.split("\n", 1)[0])
      }; install etcd 3.4 or later, or give its path with --etcd or under "programs" in the config file`,
    );
  }
  const version = { major, minor, patch };
  if (isBefore(version, [3, 4, 0])) {
    throw new FatalError(
      `Cannot use etcd ${
        formatVersion(version)
      }: it is too old; install etcd 3.4 or later`,
    );
  }
  return version;
}

/**
 * Writes a version as etcd does.
 *
 * @param version The version.
 * @returns Such as `3.4.23`.
 */
export function formatVersion({ major, minor, patch }: EtcdVersion): string {
  return `${major}.${minor}.${patch}`;
}

/**
 * Tells why a version is risky.
 *
 * @param version The version.
 * @returns What it may do and which one does not; undefined where nothing is known against it.
 */
export function warningOf(version: EtcdVersion): string | undefined {
  const known = FLAWS.filter(({ since, until }) =>
    !isBefore(version, since) && isBefore(version, until)
  );
  const [worst, last] = [known[0], known.at(-1)];
  return worst && last &&
    `etcd ${formatVersion(version)} ${worst.what}: install ${
      last.until.join(".")
    } or later`;
}

type Triple = readonly [major: number, minor: number, patch: number];

/** What is known against versions before `until`: the worst first, which is also fixed first. */
const FLAWS: readonly { since: Triple; until: Triple; what: string }[] = [
  {
    // https://github.com/etcd-io/etcd/blob/main/Documentation/postmortems/v3.5-data-inconsistency.md
    since: [3, 5, 0],
    until: [3, 5, 3],
    what: "may lose committed writes on a member that is killed under load",
  },
  {
    // https://github.com/etcd-io/etcd/issues/14370
    since: [3, 4, 0],
    until: [3, 4, 21],
    what: "may lose acknowledged writes of a single member that is killed",
  },
  {
    // The same.
    since: [3, 5, 0],
    until: [3, 5, 5],
    what: "may lose acknowledged writes of a single member that is killed",
  },
  {
    // https://github.com/etcd-io/etcd/issues/19557 and 20793
    since: [3, 5, 0],
    until: [3, 5, 24],
    what: "may forget at a restart that a learner was promoted",
  },
];

function isBefore(
  version: EtcdVersion,
  [major, minor, patch]: Triple,
): boolean {
  return (version.major - major || version.minor - minor ||
    version.patch - patch) < 0;
}
