import assert from "node:assert/strict";
import { CommandError } from "../../support/process.ts";
import type { Host } from "./host.ts";

/**
 * Asks for something with a certificate.
 *
 * @param from Who asks.
 * @param folder Where the key and the certificate are.
 * @param args Of curl.
 * @returns What comes, or undefined where nothing does.
 */
export async function curl(
  from: Host,
  folder: string,
  ...args: string[]
): Promise<string | undefined> {
  try {
    const { stdout } = await from.exec(
      ...["curl", "--silent", "--max-time", "10", "--insecure"],
      ...["--key", `${folder}/key.pem`, "--cert", `${folder}/cert.pem`],
      ...args,
    );
    return stdout;
  } catch (error) {
    assert(error instanceof CommandError);
  }
}

/**
 * Tells whether a member's etcd answers at its peer port.
 *
 * @param from Who asks.
 * @param to The member.
 * @param certificate Of the node that asks: that of its own etcd, or another.
 */
export async function reachesEtcd(
  from: Host,
  to: Host,
  certificate = "etcd/peer-pki",
): Promise<boolean> {
  const url = `https://${to.address}:7834/version`;
  const folder = `${from.data}/${certificate}`;
  return await curl(from, folder, "--http1.1", url) !== undefined;
}
