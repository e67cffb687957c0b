import { lookup } from "node:dns/promises";
import type { Logger } from "../log/logger.ts";
import type { Implementation } from "../service/contract.ts";
import type { hostname } from "../services/hostname.ts";
import { HostsBlockError, writeHostsBlock } from "./hosts_block.ts";

/** Options of {@linkcode hostnameService}. */
export interface HostnameServiceOptions {
  /** The node's name: the only one that is ever set or looked up. */
  readonly name: string;
  /** Whether the host name may be set at all. */
  readonly mode: "on" | "off";
  /** Told what became of it, once for each outcome. */
  readonly log: Logger;
}

/**
 * Makes the service that sets the machine's host name, tells what the system's resolver makes of it, and keeps the
 * nodes in its hosts file.
 *
 * @param options See {@linkcode HostnameServiceOptions}.
 * @returns What the broker offers as `hostname`.
 */
export function hostnameService(
  { name, mode, log }: HostnameServiceOptions,
): Implementation<typeof hostname> {
  const reported = new Set<string>();
  const once = (outcome: string, report: () => void) => {
    if (!reported.has(outcome)) report();
    reported.add(outcome);
  };
  return {
    // deno-lint-ignore require-await -- the contract is asynchronous, uname(2) and sethostname(2) are not
    async set() {
      if (mode === "off") return { outcome: "off" };
      const before = Deno.hostname();
      if (before === name) return { outcome: "unchanged" };
      if (!setHostname(name)) {
        once(
          "not-permitted",
          () =>
            log.warn(
              `Host name stays "${before}": this user may not set it; run Hamlet as root or with --hostname off`,
            ),
        );
        return { outcome: "not-permitted" };
      }
      log.info(`Set the host name to "${name}", it was "${before}"`);
      return { outcome: "set" };
    },
    async resolve() {
      return { name, addresses: await resolve(name) };
    },
    async hosts({ lines }) {
      try {
        const written = await writeHostsBlock("/etc/hosts", lines);
        return { outcome: written ? "written" : "unchanged" };
      } catch (error) {
        if (!(error instanceof HostsBlockError)) throw error;
        once(error.message, () => log.error(error.message));
        return { outcome: "refused" };
      }
    },
  };
}

/** sethostname(2). Given a valid name, the only thing that can be wrong is the right to it (EPERM). */
function setHostname(name: string): boolean {
  const bytes = new TextEncoder().encode(name);
  const libc = Deno.dlopen("libc.so.6", {
    sethostname: { parameters: ["buffer", "usize"], result: "i32" },
  });
  try {
    return libc.symbols.sethostname(bytes, BigInt(bytes.length)) === 0;
  } finally {
    libc.close();
  }
}

async function resolve(name: string): Promise<string[]> {
  try {
    // Of Deno's resolvers the one that asks getaddrinfo(3), as every other program of the machine does.
    const found = await lookup(name, { all: true });
    return [...new Set(found.map(({ address }) => address))];
  } catch {
    return [];
  }
}
