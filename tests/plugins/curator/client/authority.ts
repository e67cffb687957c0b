import { createPublicKey } from "node:crypto";
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { X509Certificate } from "node:crypto";
import type { Role } from "../../../../mod.ts";
import {
  type Authority,
  createAuthority,
} from "../../../../plugins/ca/authority.ts";
import { issue } from "../../../../plugins/ca/issue.ts";
import { signRevocationList } from "../../../../plugins/ca/revocation_list.ts";
import { normalizeSerial } from "../../../../plugins/curator/serial.ts";
import type { Credentials } from "../../../../plugins/curator/identity_files.ts";
import { toPem } from "../../../../plugins/curator/identity_files.ts";
import {
  generateIdentity,
  type Identity,
} from "../../../../runtime/node/identity.ts";

/** A node of a test's cluster. */
export interface TestNode {
  readonly identity: Identity;
  readonly credentials: Credentials;
  /** Of its certificate. */
  readonly serial: string;
}

/** A cluster authority of a test. */
export class TestAuthority {
  readonly #authority: Authority;
  readonly #revoked: { serial: string; revokedAt: Date }[] = [];
  #number = 1;

  private constructor(authority: Authority) {
    this.#authority = authority;
  }

  /** Makes one. */
  static async create(): Promise<TestAuthority> {
    return new TestAuthority((await createAuthority("cluster")).authority);
  }

  /** DER. */
  get certificate(): Uint8Array<ArrayBuffer> {
    return this.#authority.certificate;
  }

  /** Of the certificate, as a token has it. */
  get fingerprint(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(
      createHash("sha256").update(this.certificate).digest(),
    );
  }

  /** Issues a node's certificate, DER. */
  async issue(
    publicKey: Uint8Array<ArrayBuffer>,
    role: Role | "operator",
    name: string,
    addresses: readonly string[] = [],
  ): Promise<Uint8Array<ArrayBuffer>> {
    const { certificate } = await issue(this.#authority, {
      name,
      role,
      addresses,
      publicKey,
    });
    return certificate;
  }

  /** Makes a node with its certificate. */
  async node(role: Role | "operator", name?: string): Promise<TestNode> {
    const identity = await generateIdentity();
    const certificate = await this.issue(
      publicKeyOf(identity.pem),
      role,
      name ?? identity.id,
      ["127.0.0.1"],
    );
    return {
      identity,
      credentials: {
        key: identity.pem,
        cert: toPem(certificate),
        ca: toPem(this.certificate),
      },
      serial: normalizeSerial(new X509Certificate(certificate).serialNumber),
    };
  }

  /** Revokes certificates, and returns the list as it is then. */
  async revoke(...serials: string[]): Promise<Uint8Array<ArrayBuffer>> {
    for (const serial of serials) {
      this.#revoked.push({ serial, revokedAt: new Date() });
    }
    return await signRevocationList(this.#authority, {
      number: this.#number++,
      revoked: this.#revoked,
    });
  }
}

/** SPKI, DER, of a private key in PEM. */
export function publicKeyOf(pem: string): Uint8Array<ArrayBuffer> {
  const der = createPublicKey(pem).export({ type: "spki", format: "der" });
  return new Uint8Array(Buffer.from(der));
}
