import { DerError, DerReader, Tag } from "./der_reader.ts";

/** A certificate on a revocation list. */
export interface RevokedCertificate {
  /** Serial number in lower-case hex, no leading zero byte. */
  readonly serial: string;
  /** To the second, by the clock of the node that revoked it. */
  readonly revokedAt: Date;
}

/** What a revocation list says. */
export interface RevocationListContent {
  /** The CRL number (RFC 5280, section 5.2.3), which grows with every list of an authority. */
  readonly number: number;
  /** The key identifier of the authority that signed it, in hex. */
  readonly authorityKeyId: string;
  /** In the order in which they were revoked. */
  readonly revoked: readonly RevokedCertificate[];
}

/** Bytes that are not a revocation list as Hamlet's authorities make them. */
export class RevocationListError extends Error {
  override readonly name = "RevocationListError";
}

/** Object identifiers of CRL extensions, as their content octets in hex. */
const Extension = {
  /** 2.5.29.20 */
  crlNumber: "551d14",
  /** 2.5.29.35 */
  authorityKeyIdentifier: "551d23",
} as const;

/**
 * Reads a revocation list (RFC 5280, section 5). The signature is not checked: etcd does not check
 * it either, since whoever can write the file or the key owns the node.
 *
 * @param der The list, DER.
 * @returns What it says.
 * @throws {RevocationListError} If it is not a version 2 list with a number and an authority key
 * identifier, or has a critical extension, which changes what a list means.
 * @example
 * ```ts
 * import { parseRevocationList } from "hamlet";
 *
 * const list = parseRevocationList(await Deno.readFile("crl.der"));
 * const isRevoked = list.revoked.some(({ serial }) => serial === "4f2a");
 * ```
 */
export function parseRevocationList(der: Uint8Array): RevocationListContent {
  try {
    const file = new DerReader(der);
    const outer = file.enter();
    file.end();
    const list = outer.enter();
    outer.read(Tag.sequence); // signatureAlgorithm
    outer.read(Tag.bitString); // signatureValue
    outer.end();

    if (list.read(Tag.integer).toHex() !== "01") {
      throw new DerError("It is not a version 2 list");
    }
    list.read(Tag.sequence); // signature
    list.read(Tag.sequence); // issuer
    readTime(list); // thisUpdate
    if (list.at(Tag.utcTime, Tag.generalizedTime)) readTime(list); // nextUpdate
    const revoked: RevokedCertificate[] = [];
    if (list.at(Tag.sequence)) {
      const entries = list.enter();
      while (!entries.done) revoked.push(readEntry(entries.enter()));
    }
    const extensions = readExtensions(list.enter(Tag.context0).enter());
    list.end();
    return {
      number: readNumber(extensions),
      authorityKeyId: readAuthorityKeyId(extensions),
      revoked,
    };
  } catch (cause) {
    if (!(cause instanceof DerError)) throw cause;
    throw new RevocationListError(
      `Cannot read a revocation list of ${der.length} bytes: ${cause.message}`,
      { cause },
    );
  }
}

function readEntry(entry: DerReader): RevokedCertificate {
  const serial = readPositiveInteger(entry);
  const revokedAt = readTime(entry);
  if (!entry.done) readExtensions(entry.enter());
  entry.end();
  return { serial, revokedAt };
}

function readExtensions(extensions: DerReader): Map<string, Uint8Array> {
  const byId = new Map<string, Uint8Array>();
  while (!extensions.done) {
    const extension = extensions.enter();
    const id = extension.read(Tag.objectIdentifier).toHex();
    if (extension.at(Tag.boolean)) {
      throw new DerError(`The critical extension ${id} is not known`);
    }
    byId.set(id, extension.read(Tag.octetString));
    extension.end();
  }
  return byId;
}

function readNumber(extensions: Map<string, Uint8Array>): number {
  const value = extensions.get(Extension.crlNumber);
  if (!value) throw new DerError("It has no CRL number");
  const reader = new DerReader(value);
  const number = Number(`0x${readPositiveInteger(reader)}`);
  reader.end();
  if (!Number.isSafeInteger(number)) {
    throw new DerError(`The CRL number ${number} is too large`);
  }
  return number;
}

function readAuthorityKeyId(extensions: Map<string, Uint8Array>): string {
  const value = extensions.get(Extension.authorityKeyIdentifier);
  if (!value) throw new DerError("It has no authority key identifier");
  // keyIdentifier is [0] IMPLICIT OCTET STRING, so primitive.
  return new DerReader(value).enter().read(0x80).toHex();
}

/** Reads an INTEGER above zero as hex, without the zero byte that keeps it positive. */
function readPositiveInteger(reader: DerReader): string {
  const bytes = reader.read(Tag.integer);
  const [first, second = 0x80] = bytes;
  if (first === undefined || first >= 0x80 || first === 0 && second < 0x80) {
    throw new DerError(
      `The integer ${bytes.toHex() || "without octets"} is not positive DER`,
    );
  }
  const digits = (first === 0 ? bytes.subarray(1) : bytes).toHex();
  if (digits === "") throw new DerError("The integer 0 is not positive");
  return digits;
}

function readTime(reader: DerReader): Date {
  const general = reader.at(Tag.generalizedTime);
  const text = new TextDecoder().decode(
    reader.read(general ? Tag.generalizedTime : Tag.utcTime),
  );
  // RFC 5280, 4.1.2.5.1: a two-digit year from 50 on belongs to the last century.
  const full = general ? text : `${text < "5" ? "20" : "19"}${text}`;
  const [, year, month, day, hour, minute, second] =
    full.match(/^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/) ?? [];
  const time = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  if (Number.isNaN(time.getTime())) {
    throw new DerError(`Cannot read "${text}" as a time`);
  }
  return time;
}
