/**
 * What the authorities sign, in the library's terms (RFC 5280). Import it late: it costs some 40 ms, which a node that
 * only serves what was signed need not spend.
 *
 * @module
 */
import { AsnConvert, OctetString } from "@peculiar/asn1-schema";
import {
  AlgorithmIdentifier,
  AttributeTypeAndValue,
  AttributeValue,
  AuthorityKeyIdentifier,
  BasicConstraints,
  Certificate,
  ExtendedKeyUsage,
  Extension,
  Extensions,
  GeneralName,
  id_ce_authorityKeyIdentifier,
  id_ce_basicConstraints,
  id_ce_extKeyUsage,
  id_ce_keyUsage,
  id_ce_subjectAltName,
  id_ce_subjectKeyIdentifier,
  id_kp_clientAuth,
  id_kp_serverAuth,
  KeyIdentifier,
  KeyUsage,
  KeyUsageFlags,
  Name,
  RelativeDistinguishedName,
  SubjectAlternativeName,
  SubjectKeyIdentifier,
  SubjectPublicKeyInfo,
  TBSCertificate,
  Validity,
  Version,
} from "@peculiar/asn1-x509";
import { VALID_FROM, VALID_UNTIL } from "./validity.ts";

/** What a certificate says, beside what all of Hamlet's say. */
export interface CertificateContent {
  /** Hex. */
  readonly serial: string;
  readonly commonName: string;
  readonly organization?: string | undefined;
  /** Ed25519, SPKI, DER. */
  readonly publicKey: Uint8Array<ArrayBuffer>;
  /** What it is for: to sign certificates and revocation lists, or a TLS server and client of these names. */
  readonly use:
    | { readonly kind: "authority" }
    | {
      readonly kind: "tls";
      readonly addresses: readonly string[];
      readonly names: readonly string[];
    };
}

/** Who signs: an authority that has a certificate, or nobody yet. */
export interface Issuer {
  /** DER. @default None: the certificate is self-signed */
  readonly certificate?: Uint8Array<ArrayBuffer>;
  /** Ed25519. */
  readonly signingKey: CryptoKey;
}

/** What stands of an authority in all that it signs. */
export interface IssuerFields {
  /** Its subject, DER. */
  readonly name: Uint8Array<ArrayBuffer>;
  /** The extension that names its key, DER. */
  readonly keyIdentifier: Uint8Array<ArrayBuffer>;
}

/** Of Ed25519, which has no parameters (RFC 8410, section 3). */
const algorithm = new AlgorithmIdentifier({ algorithm: "1.3.101.112" });

/**
 * Signs a certificate.
 *
 * @param content What it says.
 * @param issuer Who signs.
 * @returns The certificate, DER.
 */
export async function signCertificate(
  content: CertificateContent,
  { certificate, signingKey }: Issuer,
): Promise<Uint8Array<ArrayBuffer>> {
  const { serial, commonName, organization, use } = content;
  const keyInfo = AsnConvert.parse(content.publicKey, SubjectPublicKeyInfo);
  const subject = new Name([
    ...organization === undefined ? [] : [attribute("2.5.4.10", organization)],
    attribute("2.5.4.3", commonName),
  ]);
  const keyIdentifier = await identify(keyInfo);
  const issuer = certificate && parseIssuer(certificate);
  const tbsCertificate = new TBSCertificate({
    version: Version.v3,
    serialNumber: Uint8Array.fromHex(serial).buffer,
    signature: algorithm,
    issuer: issuer?.name ?? subject,
    validity: new Validity({ notBefore: VALID_FROM, notAfter: VALID_UNTIL }),
    subject,
    subjectPublicKeyInfo: keyInfo,
    extensions: new Extensions([
      ...use.kind === "authority"
        ? [
          extension(
            id_ce_basicConstraints,
            new BasicConstraints({ cA: true, pathLenConstraint: 0 }),
            { critical: true },
          ),
          extension(
            id_ce_keyUsage,
            new KeyUsage(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign),
            { critical: true },
          ),
        ]
        : [
          extension(id_ce_basicConstraints, new BasicConstraints(), {
            critical: true,
          }),
          extension(
            id_ce_keyUsage,
            new KeyUsage(KeyUsageFlags.digitalSignature),
            { critical: true },
          ),
          extension(
            id_ce_extKeyUsage,
            new ExtendedKeyUsage([id_kp_serverAuth, id_kp_clientAuth]),
          ),
          ...alternativeNames(use),
        ],
      authorityKeyIdentifier(issuer?.keyIdentifier ?? keyIdentifier),
      extension(
        id_ce_subjectKeyIdentifier,
        new SubjectKeyIdentifier(keyIdentifier),
      ),
    ]),
  });
  const signature = await crypto.subtle.sign(
    "Ed25519",
    signingKey,
    AsnConvert.serialize(tbsCertificate),
  );
  return encode(
    new Certificate({
      tbsCertificate,
      signatureAlgorithm: algorithm,
      signatureValue: signature,
    }),
  );
}

/**
 * Reads what an authority puts into a revocation list.
 *
 * @param certificate The authority's, DER.
 * @returns Its name and its key's identifier.
 */
export function issuerFields(
  certificate: Uint8Array<ArrayBuffer>,
): IssuerFields {
  const { name, keyIdentifier } = parseIssuer(certificate);
  return {
    name: encode(name),
    keyIdentifier: encode(authorityKeyIdentifier(keyIdentifier)),
  };
}

function parseIssuer(certificate: Uint8Array<ArrayBuffer>) {
  const { tbsCertificate: { subject, extensions } } = AsnConvert.parse(
    certificate,
    Certificate,
  );
  const identifier = extensions?.find(({ extnID }) =>
    extnID === id_ce_subjectKeyIdentifier
  );
  if (identifier === undefined) {
    throw new TypeError("The authority's certificate names no key");
  }
  return {
    name: subject,
    keyIdentifier: AsnConvert.parse(
      identifier.extnValue.buffer,
      SubjectKeyIdentifier,
    ).buffer,
  };
}

/** RFC 5280, 4.2.1.2, method 1. */
async function identify(
  { subjectPublicKey }: SubjectPublicKeyInfo,
): Promise<ArrayBuffer> {
  return await crypto.subtle.digest("SHA-1", subjectPublicKey);
}

function alternativeNames(
  { addresses, names }: {
    readonly addresses: readonly string[];
    readonly names: readonly string[];
  },
): Extension[] {
  const all = [
    ...addresses.map((iPAddress) => new GeneralName({ iPAddress })),
    ...names.map((dNSName) => new GeneralName({ dNSName })),
  ];
  return all.length === 0
    ? []
    : [extension(id_ce_subjectAltName, new SubjectAlternativeName(all))];
}

function authorityKeyIdentifier(identifier: ArrayBuffer): Extension {
  return extension(
    id_ce_authorityKeyIdentifier,
    new AuthorityKeyIdentifier({
      keyIdentifier: new KeyIdentifier(identifier),
    }),
  );
}

function extension(
  extnID: string,
  value: unknown,
  { critical = false } = {},
): Extension {
  const extnValue = new OctetString(AsnConvert.serialize(value));
  return new Extension({ extnID, critical, extnValue });
}

function attribute(type: string, utf8String: string) {
  const value = new AttributeValue({ utf8String });
  return new RelativeDistinguishedName([
    new AttributeTypeAndValue({ type, value }),
  ]);
}

function encode(value: unknown): Uint8Array<ArrayBuffer> {
  return new Uint8Array(AsnConvert.serialize(value));
}
