import { run, type RunOptions } from "../../support/process.ts";

/** Runs a tool that judges what is signed, and gives what it prints: where it is missing, a test fails. */
export async function tool(
  name: "openssl" | "go",
  args: string[],
  options: RunOptions = {},
): Promise<string> {
  try {
    const { stdout } = await run(name, args, { timeout: 300_000, ...options });
    return stdout;
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    throw new Error(
      `Cannot find ${name}: install Debian's openssl and golang-go`,
      { cause },
    );
  }
}

/** What Go's crypto/x509 makes of a certificate, its authority and a revocation list; see `go/`. */
export interface GoVerdict {
  issuer: string;
  commonName: string;
  organization: string[] | null;
  serial: string;
  addresses: string[] | null;
  dnsNames: string[] | null;
  crlNumber: string;
  revoked: string[] | null;
  /** Whether etcd, with this list as its CRL file, refuses the certificate. */
  refused: boolean;
}

/** Lets Go parse and verify the files; throws with what Go says where it refuses one of them. */
export async function goVerify(
  authority: string,
  certificate: string,
  list: string,
): Promise<GoVerdict> {
  return JSON.parse(
    await tool("go", ["run", ".", authority, certificate, list], {
      cwd: new URL("./go/", import.meta.url).pathname,
    }),
  );
}

/** The names of the lints that a DER file fails, with `error: ` or `warn: ` before each. */
export async function zlint(
  file: string,
  ...args: string[]
): Promise<string[]> {
  const program = await (installed ??= installZlint());
  const { stdout } = await run(program, ["-format", "der", ...args, file]);
  const lints: Record<string, { result: string }> = JSON.parse(stdout);
  return Object.entries(lints)
    .filter(([, { result }]) => /^(warn|error|fatal)$/.test(result))
    .map(([name, { result }]) => `${result}: ${name}`)
    .sort();
}

const ZLINT_VERSION = "v3.6.8";
let installed: Promise<string> | undefined;

/** Builds zlint into the cache, where later runs find it without the network. */
async function installZlint(): Promise<string> {
  const cache = Deno.env.get("XDG_CACHE_HOME") ??
    `${Deno.env.get("HOME") ?? "/tmp"}/.cache`;
  const folder = `${cache}/hamlet/tools`;
  const program = `${folder}/zlint-${ZLINT_VERSION}`;
  const { isFile } = await Deno.stat(program).catch(() => ({ isFile: false }));
  if (isFile) return program;
  await Deno.mkdir(folder, { recursive: true });
  const building = await Deno.makeTempDir({ dir: folder, prefix: "zlint-" });
  try {
    await tool("go", [
      "install",
      `github.com/zmap/zlint/v3/cmd/zlint@${ZLINT_VERSION}`,
    ], { env: { GOBIN: building } });
    await Deno.rename(`${building}/zlint`, program);
  } finally {
    await Deno.remove(building, { recursive: true });
  }
  return program;
}
