import { type LogLevel, v } from "hamlet";

/** A line of etcd's log. */
export interface EtcdLine {
  readonly level: LogLevel;
  readonly message: string;
  readonly properties?: Record<string, unknown>;
}

/** The lines of etcd's logger, zap: https://pkg.go.dev/go.uber.org/zap/zapcore#Level */
const ZapLine = v.looseObject({
  level: v.picklist([
    "debug",
    "info",
    "warn",
    "error",
    "dpanic",
    "panic",
    "fatal",
  ]),
  msg: v.string(),
});

/** What is told otherwise, or to nobody's use. */
const OMITTED = new Set(["level", "msg", "ts", "stacktrace"]);

/**
 * Warnings about what is as it should be: users of etcd's own and TLS for its clients, which are of no use where its
 * one client socket is a file that one plugin may open.
 */
const EXPECTED =
  /^simple token is not cryptographically signed|^serving client traffic insecurely/;

/** The peer port has done its job, be it a revoked member or a scan of ports that knocked: nothing is out of order. */
const REFUSED = /^rejected connection/;

/**
 * Reads a line of etcd's log.
 *
 * @param text The line.
 * @returns The same with its level; a line that is not JSON, such as one of a Go panic, as it is.
 */
export function parseEtcdLine(text: string): EtcdLine {
  const line = v.safeParse(ZapLine, parseJson(text));
  if (!line.success) {
    const broken = /^(panic|fatal error|etcd): /.test(text) ||
      text.startsWith("error verifying flags");
    return { level: broken ? "error" : "info", message: text };
  }
  const { level, msg } = line.output;
  return {
    level: EXPECTED.test(msg)
      ? "debug"
      : REFUSED.test(msg)
      ? "info"
      : levelOf(level),
    message: msg,
    properties: Object.fromEntries(
      Object.entries(line.output).filter(([name]) => !OMITTED.has(name)),
    ),
  };
}

/**
 * Tells that the cluster has removed this member, after which its etcd ends with 0.
 *
 * @param line A line of its log.
 * @returns Whether that is what the line says.
 */
export function saysRemoved({ message, properties }: EtcdLine): boolean {
  const words = "the member has been permanently removed from the cluster";
  return message.includes(words) || String(properties?.error).includes(words);
}

/**
 * Tells that etcd cannot read its data, or cannot go on with it.
 *
 * @param line The last line that told of a failure.
 * @returns Whether that is what the line says.
 */
export function saysDamaged(line: EtcdLine): boolean {
  const said = textOf(line);
  return DAMAGE.test(said) || LOST.test(said);
}

/**
 * Tells that etcd starts with a log in which there is nothing yet, be it new or one that was made right before a kill.
 *
 * @param line A line of its log: what raft has found, https://pkg.go.dev/go.etcd.io/raft/v3
 * @returns Whether that is what the line says.
 */
export function saysEmpty({ message }: EtcdLine): boolean {
  return /^newRaft .*\blastindex: 0\b/.test(message);
}

/** A failure in words: what etcd said last before it ended, and what to do about it. */
export interface FailureContext {
  /** The port that etcd's peers find it at. */
  readonly peerPort: number;
  readonly listen: string;
  /** The folder of its data. */
  readonly data: string;
}

/**
 * Puts into words why etcd cannot run.
 *
 * @param line The last line that told of a failure.
 * @param context What it may be about.
 * @returns For a person: what is wrong and, where that is known, what to do.
 */
export function explainFailure(
  line: EtcdLine,
  { peerPort, listen, data }: FailureContext,
): string {
  const said = textOf(line);
  if (/bind: address already in use/.test(said)) {
    return `port ${peerPort} is in use by another program: choose another with --peer-port`;
  }
  if (/bind: cannot assign requested address/.test(said)) {
    return `"${listen}" is no address of this machine: choose another with --listen`;
  }
  if (/no space left on device/.test(said)) {
    return `the disk that holds "${data}" is full: make room`;
  }
  if (said.startsWith("invalid downgrade")) {
    const cluster = line.properties?.["determined-cluster-version"];
    return `its data in "${data}" is at etcd ${cluster}, and etcd does not go back: start the Hamlet that ran here last, or give that etcd with --etcd`;
  }
  if (LOST.test(said)) {
    return `its data in "${data}" lacks what this member has acknowledged (${said}): a copy of its disk has run, or it was put back to an earlier state; ${REPLACE}`;
  }
  if (DAMAGE.test(said)) {
    return `its data in "${data}" is damaged (${said}): if this is the only member, restore it from a copy or a snapshot, else ${REPLACE}`;
  }
  return said;
}

/** How a member is replaced whose data is lost. */
export const REPLACE =
  "take it out with `hamlet remove` on another member, empty the data folder with `hamlet reset` and join the cluster again";

function textOf({ message, properties }: EtcdLine): string {
  const error = properties?.error;
  return error === undefined ? message : `${message}: ${error}`;
}

/** What etcd 3.4 to 3.6 says of a database or a log that it cannot read. */
const DAMAGE =
  /invalid database|crc mismatch|checksum error|version mismatch|cannot use none as id|failed to (?:open (?:database|WAL)|read WAL|recover)|file size too small|unexpected EOF|\bwal(?:pb)?: |\/member\/\S+: is a directory/;

/**
 * What raft says where the leader counts on entries that this log does not have, see
 * https://pkg.go.dev/go.etcd.io/raft/v3
 */
const LOST = /tocommit\(\d+\) is out of range/;

function levelOf(level: v.InferOutput<typeof ZapLine>["level"]): LogLevel {
  switch (level) {
    case "debug":
    case "info":
      return level;
    case "warn":
      return "warning";
    default:
      return "error";
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
