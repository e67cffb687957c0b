import { run } from "../../support/process.ts";
import {
  isCompiled,
  type NodeFolders,
  type StartOptions,
} from "./node_process.ts";

/**
 * Says how to start a node with another manifest than Hamlet's: of a compiled program that takes another program.
 *
 * @param folders The node's, which have room for that.
 * @param manifest The manifest.
 */
export async function withManifest(
  folders: NodeFolders,
  manifest: string,
): Promise<Pick<StartOptions, "args" | "program">> {
  if (!isCompiled) return { args: ["--manifest", manifest] };
  const program = `${folders.root}/hamlet`;
  const root = new URL("../../../", import.meta.url).pathname;
  await run(
    `${root}scripts/compile`,
    ["--config", manifest, "--output", program],
    { timeout: 120_000 },
  );
  return { program };
}
