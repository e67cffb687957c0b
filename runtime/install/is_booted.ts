import { ifThere } from "../if_there.ts";

/**
 * Says whether systemd runs a machine, sd_booted(3).
 *
 * @param root Where the machine's files are.
 */
export async function isBooted(root: string): Promise<boolean> {
  if (root !== "/") return false;
  const folder = await ifThere(Deno.stat("/run/systemd/system"));
  return folder?.isDirectory ?? false;
}
