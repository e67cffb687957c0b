import { resolve } from "node:path";
import { writeFileAtomic } from "../../atomic_file.ts";
import { ifThere } from "../../if_there.ts";
import { type AuthorityName, ca } from "../../services/ca.ts";
import type { CliContext } from "../context.ts";
import { CommandFailed, UsageError } from "../errors.ts";
import type { ClientFlags, JsonFlag } from "../flags.ts";
import { openClient } from "../open_client.ts";
import { pem } from "../pem.ts";

/** Flags of the command. */
interface IssueFlags extends ClientFlags, JsonFlag {
  readonly ip?: readonly string[];
  readonly authority: AuthorityName;
  readonly out: string;
  readonly force: boolean;
}

/** A name that is one file's name everywhere, and no option of any program. */
const FILE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

const PEER_WARNING =
  `A certificate of authority "peer" opens the etcd peer port: whoever holds its key can read and
write everything in the cluster's store, the certificates of others included. For people and
programs use authority "cluster".
`;

/** Issues a certificate and writes it, its key and its authority's certificate to files. */
export default async function issue(
  this: CliContext,
  flags: IssueFlags,
  name: string,
): Promise<void> {
  if (!FILE_NAME.test(name) || name === "ca") {
    throw new UsageError(
      `Cannot issue a certificate for "${name}": the name is also that of the files, so it is made of letters, digits, ".", "_" and "-", and is not "ca"`,
    );
  }
  const { authority, force } = flags;
  const out = resolve(flags.out);
  const files = {
    certificate: `${out}/${name}.pem`,
    key: `${out}/${name}-key.pem`,
    ca: `${out}/ca.pem`,
  };
  using client = openClient(flags);
  const { certificate: authorityCertificate } = await client.call(
    ca,
    "authority",
    { authority },
  );
  const caPem = pem("CERTIFICATE", authorityCertificate);
  // Before anything is issued: what cannot be written must not be registered either.
  await makeFolder(out);
  if (!force) {
    await refuseToReplace(files.certificate);
    await refuseToReplace(files.key);
    await refuseToReplace(files.ca, caPem);
  }
  if (authority === "peer") this.process.stderr.write(PEER_WARNING);

  const { serial, certificate, privateKey } = await client.call(ca, "issue", {
    authority,
    name,
    addresses: [...flags.ip ?? []],
  });
  if (privateKey === undefined) {
    throw new CommandFailed("The authority made no private key");
  }
  try {
    await writeFileAtomic(files.key, pem("PRIVATE KEY", privateKey));
    await writeFileAtomic(files.ca, caPem, { mode: 0o644 });
    await writeFileAtomic(files.certificate, pem("CERTIFICATE", certificate), {
      mode: 0o644,
    });
  } catch (cause) {
    throw new CommandFailed(
      `Cannot write the certificate to "${out}": ${
        cause instanceof Error ? cause.message : cause
      }; it is issued though, so revoke it: hamlet cert revoke ${serial}`,
      { cause },
    );
  }
  this.process.stdout.write(
    flags.json
      ? `${JSON.stringify({ authority, name, serial, files })}\n`
      : `Issued ${name} by authority "${authority}", serial number ${serial}
  certificate  ${files.certificate}
  private key  ${files.key}
  authority    ${files.ca}
`,
  );
}

async function makeFolder(path: string): Promise<void> {
  try {
    await Deno.mkdir(path, { recursive: true });
  } catch (cause) {
    throw new CommandFailed(
      `Cannot write to "${path}": ${
        cause instanceof Deno.errors.AlreadyExists
          ? "it is not a folder"
          : cause instanceof Error
          ? cause.message
          : cause
      }; choose another folder with --out`,
      { cause },
    );
  }
}

/** A file with the same content may stay: several certificates share one `ca.pem`. */
async function refuseToReplace(path: string, same?: string): Promise<void> {
  const found = await ifThere(Deno.lstat(path));
  if (found === undefined) return;
  if (same !== undefined && await Deno.readTextFile(path) === same) return;
  throw new UsageError(
    `Cannot write "${path}": it exists; choose another --out, or replace it with --force`,
  );
}
