import { createHash } from "node:crypto";
import { isIP } from "node:net";
import { Role, v } from "hamlet";

/** Where a member's curator answers. */
export interface Endpoint {
  /** The node ID that its certificate must have. */
  readonly id: string;
  /** An IP address. */
  readonly address: string;
  readonly port: number;
}

/** All that a machine must be told to become a node of a cluster. */
export interface JoinToken {
  /** What the node is going to be. */
  readonly role: Role;
  /** Names the invitation in lists; not secret. */
  readonly invitation: string;
  /** 32 random bytes, of which the cluster holds only a hash. */
  readonly secret: Uint8Array<ArrayBuffer>;
  /** SHA-256 of the cluster authority's certificate (DER), 32 bytes. */
  readonly fingerprint: Uint8Array<ArrayBuffer>;
  /** Members to ask, at least one. */
  readonly endpoints: readonly Endpoint[];
}

/** A text that is no token this node can use. Never quotes it, since it may hold a secret. */
export class TokenError extends Error {
  override readonly name = "TokenError";
}

/** In front of every token, with its version: what it is, to a person who finds one, and to a scanner for secrets. */
const PREFIX = "hamlet1";

/** Bytes of SHA-256 over all that stands before: against mistakes, not against forgers, whom the secret keeps out. */
const CHECKSUM_BYTES = 4;

const base64url = { alphabet: "base64url", omitPadding: true } as const;

/**
 * Writes a token: one line of letters, digits, `.`, `-` and `_`, which needs no quoting in a shell or URL.
 *
 * `hamlet1.ROLE.INVITATION.SECRET.FINGERPRINT.ENDPOINTS.CHECKSUM`, the role in clear since it decides what a node
 * starts, bytes as base64url; an endpoint is the 16 bytes of the node ID, 2 of the port, and the address as text,
 * after a byte with its length.
 *
 * @param token What to write.
 * @returns The text.
 */
export function formatToken(token: JoinToken): string {
  const text = [
    PREFIX,
    token.role,
    token.invitation,
    token.secret.toBase64(base64url),
    token.fingerprint.toBase64(base64url),
    encodeEndpoints(token.endpoints).toBase64(base64url),
  ].join(".");
  return `${text}.${checksum(text)}`;
}

/**
 * Reads a token.
 *
 * @param text As somebody pasted it; white space around it is ignored.
 * @returns What it says.
 * @throws {TokenError} If it is no token, not a whole one, or not as it was made.
 */
export function parseToken(text: string): JoinToken {
  const line = text.trim();
  const [prefix, version = ""] = /^hamlet(\d+)\./.exec(line) ?? [];
  if (prefix === undefined) {
    throw new TokenError(
      `The join token is none of a Hamlet cluster: one starts with "${PREFIX}."; print one with hamlet invite on a member`,
    );
  }
  if (`hamlet${version}` !== PREFIX) {
    throw new TokenError(
      `The join token has version ${version}, and this program knows version 1 alone: run the version of Hamlet that the cluster runs`,
    );
  }
  const end = line.lastIndexOf(".");
  const parts = line.slice(0, end).split(".");
  if (
    parts.length !== 6 || checksum(line.slice(0, end)) !== line.slice(end + 1)
  ) {
    throw new TokenError(
      `The join token is cut off or altered, it has ${line.length} characters: copy it again, as one line`,
    );
  }
  const [, role, invitation = "", secret, fingerprint, endpoints] = parts;
  try {
    return {
      role: v.parse(Role, role),
      invitation,
      secret: decode(secret, 32),
      fingerprint: decode(fingerprint, 32),
      endpoints: decodeEndpoints(decode(endpoints)),
    };
  } catch (cause) {
    // Whoever made it counted a checksum too: no mistake of copying.
    throw new TokenError(
      "The join token is not as Hamlet makes it: print one with hamlet invite on a member",
      { cause },
    );
  }
}

function checksum(text: string): string {
  return createHash("sha256").update(text).digest().subarray(0, CHECKSUM_BYTES)
    .toString("base64url");
}

function decode(
  text: string | undefined,
  length?: number,
): Uint8Array<ArrayBuffer> {
  const bytes = Uint8Array.fromBase64(text ?? "", { alphabet: "base64url" });
  if (bytes.length !== (length ?? bytes.length)) {
    throw new RangeError(
      `Expected ${length} bytes: current value is ${bytes.length}`,
    );
  }
  return bytes;
}

function encodeEndpoints(
  endpoints: readonly Endpoint[],
): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(endpoints.flatMap(({ id, address, port }) => {
    const text = new TextEncoder().encode(address);
    return [
      ...Uint8Array.fromHex(id.replace(/^hamlet-/, "")),
      port >> 8,
      port & 0xff,
      text.length,
      ...text,
    ];
  }));
}

/** Bytes in front of an endpoint's address: node ID, port, length. */
const ENDPOINT_HEAD = 16 + 2 + 1;

function decodeEndpoints(bytes: Uint8Array): Endpoint[] {
  const endpoints: Endpoint[] = [];
  let rest = bytes;
  do {
    const length = rest[ENDPOINT_HEAD - 1] ?? 0;
    const end = ENDPOINT_HEAD + length;
    const address = new TextDecoder().decode(rest.subarray(ENDPOINT_HEAD, end));
    const port = (rest[16] ?? 0) << 8 | (rest[17] ?? 0);
    if (rest.length < end || isIP(address) === 0 || port === 0) {
      throw new RangeError("Cannot read an endpoint");
    }
    const id = `hamlet-${rest.subarray(0, 16).toHex()}`;
    endpoints.push({ id, address, port });
    rest = rest.subarray(end);
  } while (rest.length > 0);
  return endpoints;
}
