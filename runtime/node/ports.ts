import { setTimeout as delay } from "node:timers/promises";
import type { PluginEntry } from "../manifest/mod.ts";
import type { EffectiveSettings } from "./effective_settings.ts";
import { StartError } from "./errors.ts";
import type { NodeFile } from "./node_file.ts";

/** How long the port of a process that was killed may stay taken, in milliseconds. */
const RELEASE_MS = 1000;

const ports = [
  { key: "peerPort", flag: "--peer-port", usual: 7834 },
  { key: "curatorPort", flag: "--curator-port", usual: 7835 },
] as const;

/**
 * Says on which ports a node listens: as it was told, as it remembers, or the usual ones.
 *
 * @param settings What holds for the node.
 * @param remembered What it remembers.
 * @param plugins What it loads; the port of one that it does not is not looked at.
 * @returns The ports.
 * @throws {StartError} If one cannot be listened on.
 */
export async function choosePorts(
  settings: EffectiveSettings,
  remembered: NodeFile | undefined,
  plugins: readonly PluginEntry[],
): Promise<Pick<NodeFile, "peerPort" | "curatorPort">> {
  const chosen = { peerPort: 0, curatorPort: 0 };
  for (const { key, flag, usual } of ports) {
    const known = remembered?.[key];
    const told = settings[key] ?? known ?? usual;
    const port = told === 0 ? known ?? 0 : told;
    const used = JSON.stringify(
      plugins.map(({ permissions, uses }) => [permissions, uses]),
    ).includes(`\${${key}}`);
    // A port that is told to be free is a different one for each.
    do {
      chosen[key] = used || port === 0
        ? await listeningPort(settings.listen, port, flag)
        : port;
    } while (port === 0 && chosen.peerPort === chosen.curatorPort);
  }
  if (chosen.peerPort !== chosen.curatorPort) return chosen;
  throw new StartError(
    2,
    `Cannot use port ${chosen.peerPort} as --peer-port and --curator-port: choose two`,
  );
}

/** Finds out whether a port can be listened on; of 0, which can. */
async function listeningPort(
  hostname: string,
  port: number,
  flag: string,
): Promise<number> {
  for (const until = Date.now() + RELEASE_MS;;) {
    try {
      using listener = Deno.listen({ hostname, port });
      return listener.addr.port;
    } catch (cause) {
      if (cause instanceof Deno.errors.AddrInUse && Date.now() < until) {
        // The kernel may still be ending what an earlier start of this node left; it tells nobody when it is done.
        await delay(20);
        continue;
      }
      const why = cause instanceof Deno.errors.AddrInUse
        ? `another program has it; end that one, or choose another port with ${flag}`
        : cause instanceof Deno.errors.AddrNotAvailable
        ? "this machine has no such address; choose another with --listen"
        : cause instanceof Deno.errors.PermissionDenied
        ? `user ${Deno.uid()} may not use it; choose a port above 1023 with ${flag}`
        : String(cause);
      throw new StartError(
        1,
        `Cannot listen on port ${port} of ${hostname}: ${why}`,
        { cause },
      );
    }
  }
}
