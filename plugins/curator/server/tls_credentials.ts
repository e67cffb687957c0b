import { ServerCredentials } from "@grpc/grpc-js";
import type { Credentials } from "../identity_files.ts";

/**
 * The TLS side of the server: it asks every client for a certificate of the cluster authority and
 * serves those without one too, since a machine that joins has none. Who may do what is decided per
 * call; one whose certificate is not of this authority counts as one without.
 */
export class TlsCredentials extends ServerCredentials {
  /** @param credentials Who the server is. */
  constructor(credentials: Credentials) {
    super({ requestCert: true, rejectUnauthorized: false }, credentials);
  }

  /**
   * Goes on as somebody else, or with a newer certificate; open connections stay as they are.
   *
   * @param credentials Who the server is from now on.
   */
  replace(credentials: Credentials): void {
    this.updateSecureContextOptions(credentials);
  }

  /** @inheritdoc */
  override _equals(other: ServerCredentials): boolean {
    return this === other;
  }
}
