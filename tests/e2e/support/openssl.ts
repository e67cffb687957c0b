import { run } from "../../support/process.ts";

/**
 * Lets openssl do something.
 *
 * @param args Its arguments.
 * @returns What it prints.
 */
export async function openssl(...args: string[]): Promise<string> {
  return (await run("openssl", args)).stdout;
}

/**
 * Checks that a revocation list was signed by an authority.
 *
 * @param list The list's file, DER.
 * @param authority The authority's file, PEM.
 * @returns The serials on it, in lower-case hex.
 * @throws {Error} If it was not.
 */
export async function verifyList(
  list: string,
  authority: string,
): Promise<string[]> {
  // It says on standard error whether the signature fits, and exits with 0 either way.
  const { stdout, stderr } = await run("openssl", [
    ...["crl", "-inform", "DER", "-in", list, "-CAfile", authority],
    ...["-noout", "-text"],
  ]);
  if (!stderr.includes("verify OK")) {
    throw new Error(`openssl does not verify "${list}": ${stderr}`);
  }
  return Array.from(
    stdout.matchAll(/Serial Number: ([0-9A-F]+)/g),
    ([, serial = ""]) => serial.toLowerCase(),
  );
}

/**
 * Checks that a certificate was signed by an authority for a TLS server and client.
 *
 * @param certificate The certificate's file, PEM.
 * @param authority The authority's file, PEM.
 */
export async function verifyCertificate(
  certificate: string,
  authority: string,
): Promise<void> {
  for (const purpose of ["sslserver", "sslclient"]) {
    await openssl(
      ...["verify", "-x509_strict", "-purpose", purpose],
      ...["-CAfile", authority, certificate],
    );
  }
}

/** The serial number of a certificate, in lower-case hex. */
export async function serialOf(certificate: string): Promise<string> {
  const text = await openssl("x509", "-in", certificate, "-noout", "-serial");
  return text.trim().replace("serial=", "").toLowerCase();
}

/** The SHA-256 of a certificate's DER, in lower-case hex. */
export async function fingerprintOf(certificate: string): Promise<string> {
  const der = await run("openssl", [
    ...["x509", "-in", certificate, "-noout", "-fingerprint", "-sha256"],
  ]);
  return der.stdout.trim().replace(/^.*=/, "").replaceAll(":", "")
    .toLowerCase();
}
