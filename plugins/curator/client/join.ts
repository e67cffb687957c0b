import { createHash, createPrivateKey, sign } from "node:crypto";
import { create, toBinary } from "@bufbuild/protobuf";
import { failpoint, FatalError, type Logger, type Role } from "hamlet";
import { JoinProposalSchema } from "hamlet/proto/hamlet/cluster/v1/membership_pb.ts";
import type { IdentityFiles } from "../identity_files.ts";
import {
  readCredentials,
  readPublicKey,
  toPem,
  writeCredentials,
} from "../identity_files.ts";
import { signedBytes } from "../join_signature.ts";
import { fromRecordRole } from "../roles.ts";
import {
  type Endpoint,
  type JoinToken,
  parseToken,
  TokenError,
} from "../token.ts";
import { Backoff } from "./backoff.ts";
import type { KnownCluster } from "./known_cluster.ts";
import type { KnownRevocations } from "./known_revocations.ts";
import { askAuthority, connectMember } from "./member_connection.ts";
import { describeFailure, isLastingRefusal } from "./refusal.ts";
import { shuffled } from "./shuffled.ts";

/** Milliseconds that a member may take to answer: issuing a certificate is a write to the store. */
const TIMEOUT_MS = 10_000;

/** Options of {@linkcode join}. */
export interface JoinOptions {
  /** As the operator gave it. */
  readonly token: string;
  /** The name that the node wants, one DNS label. */
  readonly name: string;
  /** Where the node is reached now, the preferred one first. */
  readonly addresses: () => readonly string[];
  readonly files: IdentityFiles;
  /** Told whom to follow afterwards, before anything is asked for. */
  readonly known: KnownCluster;
  readonly revocations: KnownRevocations;
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** Told what keeps the node from joining. */
  readonly report: (reason: string) => void;
}

/**
 * Makes this machine a node of the cluster that a token names: tries its members one after another until one has
 * answered, and writes what it gives to disk, the certificate last. Killed at any instant, it can be done again with the
 * same token.
 *
 * @param options See {@linkcode JoinOptions}.
 * @returns What the node is.
 * @throws {FatalError} If no other try can help.
 */
export async function join(options: JoinOptions): Promise<Role> {
  const { known, log, report, signal } = options;
  const token = readToken(options.token);
  known.setEndpoints(token.endpoints);
  await known.save();
  const backoff = new Backoff();
  let told: string | undefined;
  for (;;) {
    const problems: JoinProblem[] = [];
    let expired: FatalError | undefined;
    for (const endpoint of shuffled(token.endpoints)) {
      const at = `${endpoint.address} (${endpoint.id})`;
      report(`Asks ${at} to join its cluster`);
      try {
        return await joinBy(endpoint, token, options);
      } catch (error) {
        signal.throwIfAborted();
        if (isLastingRefusal(error)) {
          const refused = new FatalError(
            `Cannot join by ${at}: ${error.message}`,
            { cause: error },
          );
          if (error.reason !== "expired") throw refused;
          // By that member's clock, which may be the one that is wrong.
          expired = refused;
          continue;
        }
        const text = `${at}: ${describeFailure(error)}`;
        problems.push({
          text,
          foreign: error instanceof ForeignAuthorityError,
        });
      }
    }
    if (expired !== undefined) throw expired;
    const all = problems.map(({ text }) => text).join("; ");
    if (problems.every(({ foreign }) => foreign)) {
      throw new FatalError(
        `Cannot join by ${all}: the join token is of another cluster, or somebody stands between this machine and ` +
          `the cluster; print a token with hamlet invite on a member of the right cluster`,
      );
    }
    report(`Cannot join yet, tries again: ${all}`);
    if (all !== told) log.warn(`Cannot join yet, tries again: ${all}`);
    told = all;
    await backoff.wait(signal);
  }
}

interface JoinProblem {
  readonly text: string;
  /** Whether an authority answered that is not the token's. */
  readonly foreign: boolean;
}

/** Who answers holds another cluster's authority, or none. */
class ForeignAuthorityError extends Error {
  override readonly name = "ForeignAuthorityError";
}

function readToken(text: string): JoinToken {
  try {
    return parseToken(text);
  } catch (error) {
    if (!(error instanceof TokenError)) throw error;
    throw new FatalError(error.message, { cause: error });
  }
}

async function joinBy(
  endpoint: Endpoint,
  token: JoinToken,
  { name, addresses, files, revocations, log, signal }: JoinOptions,
): Promise<Role> {
  const call = { signal, timeout: TIMEOUT_MS };
  const authority = await askAuthority(endpoint, call);
  const fingerprint = createHash("sha256").update(authority).digest();
  if (!fingerprint.equals(token.fingerprint)) {
    throw new ForeignAuthorityError(
      "its authority does not have the fingerprint of the token",
    );
  }
  // From here on the other side has proved to be a member of the token's cluster.
  using connection = connectMember(endpoint, {
    ca: toPem(authority),
    isRevoked: (serial) => revocations.isRevoked(serial),
  });
  const proposal = toBinary(
    JoinProposalSchema,
    create(JoinProposalSchema, {
      authorityFingerprint: token.fingerprint,
      invitation: token.invitation,
      publicKey: await readPublicKey(files),
      name,
      addresses: [...addresses()],
    }),
  );
  failpoint("curator before join");
  const { certificate, crl, role } = await connection.membership.join({
    proposal,
    signature: await signProposal(proposal, files),
    secret: token.secret,
  }, call);
  failpoint("curator after join");
  await revocations.update(crl);
  await writeCredentials(files, certificate, authority);
  if (await readCredentials(files) === undefined) {
    throw new Error("the certificate it gave does not fit this node's key");
  }
  log.info(`Joined the cluster by ${endpoint.address}`, {
    member: endpoint.id,
    role: fromRecordRole(role),
  });
  return fromRecordRole(role);
}

async function signProposal(
  proposal: Uint8Array,
  files: IdentityFiles,
): Promise<Uint8Array> {
  const key = createPrivateKey(await Deno.readTextFile(files.key));
  return sign(null, signedBytes(proposal), key);
}
