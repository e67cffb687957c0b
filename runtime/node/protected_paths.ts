import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import type { PluginEntry, ProtectedPath } from "../manifest/mod.ts";
import type { Folders } from "./folders.ts";
import { BUILT_IN_MANIFEST } from "./manifest_path.ts";

/**
 * Says what no plugin may be granted: what could change what is granted, and what makes the node itself.
 *
 * @param folders The node's folders.
 * @param config The config file.
 * @param manifest The manifest.
 * @param entries What it declares.
 * @returns The paths.
 */
export function protectedPaths(
  folders: Folders,
  config: string,
  manifest: string,
  entries: readonly PluginEntry[],
): ProtectedPath[] {
  const code = [
    fileURLToPath(new URL("../", import.meta.url)),
    fileURLToPath(new URL("../../mod.ts", import.meta.url)),
    BUILT_IN_MANIFEST,
    ...entries.flatMap(({ module, contracts }) => [
      dirname(fileURLToPath(module)),
      ...contracts.map((contract) => fileURLToPath(contract)),
    ]),
  ];
  const key = "identity/key.pem";
  const readers = entries.filter(({ permissions }) =>
    permissions.read.includes(`\${data}/${key}`)
  );
  return [
    { path: manifest, access: "read", why: "the manifest" },
    { path: config, access: "read", why: "the node's config file" },
    { path: Deno.execPath(), access: "read", why: "the program" },
    ...new Set(code).values().map((path): ProtectedPath => ({
      path,
      access: "read",
      why: "the program's code",
    })),
    {
      path: `${folders.data}/${key}`,
      // Who speaks for the node to others needs it, and no two do.
      access: readers.length === 1 ? "named" : "none",
      why: "the node's private key, which at most one plugin may read",
    },
    {
      path: `${folders.data}/identity/join.token`,
      access: "none",
      why: "what the node joins with",
    },
    {
      path: `${folders.data}/node.json`,
      access: "none",
      why: "what the node knows of itself",
    },
    {
      path: `${folders.data}/bin`,
      access: "read",
      why: "where the node keeps programs that it runs",
    },
    { path: `${folders.data}/lock`, access: "none", why: "the node's lock" },
    { path: `${folders.run}/lock`, access: "none", why: "the node's lock" },
    {
      path: `${folders.run}/hamlet.sock`,
      access: "none",
      why: "the admin socket",
    },
  ];
}
