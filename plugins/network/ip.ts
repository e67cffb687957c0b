import { type Client, type process, ServiceError } from "hamlet";
import { type DefaultRoute, parseDefaultRoutes } from "./default_route.ts";

/** iproute2's `ip` does not help here: it is not installed, or may not ask the kernel. */
export class IpError extends Error {
  override readonly name = "IpError";
}

/**
 * Asks for the default routes of both address families.
 *
 * @param programs Runs `ip`.
 * @param signal Ends it.
 * @returns The routes, IPv4 first.
 * @throws {IpError} If `ip` cannot tell.
 */
export async function defaultRoutes(
  programs: Client<typeof process>,
  signal: AbortSignal,
): Promise<DefaultRoute[]> {
  const [ipv4, ipv6] = await Promise.all([
    output(programs, ["-j", "route", "show", "default"], signal),
    // Fails where the kernel has no IPv6, which then has no routes either.
    output(programs, ["-j", "-6", "route", "show", "default"], signal).catch(
      (error) => {
        if (error instanceof IpError) return "";
        throw error;
      },
    ),
  ]);
  return [
    ...parseDefaultRoutes(ipv4, "ipv4"),
    ...parseDefaultRoutes(ipv6, "ipv6"),
  ];
}

/**
 * Tells of every change of links, addresses and routes.
 *
 * @param programs Runs `ip`.
 * @param signal Ends it.
 * @param onChange Told at once and each time, without saying what changed.
 * @throws {IpError} If `ip` cannot tell, or ended by itself.
 */
export async function monitorRoutes(
  programs: Client<typeof process>,
  signal: AbortSignal,
  onChange: () => void,
): Promise<void> {
  for await (
    const _ of run(programs, ["monitor", "link", "address", "route"], signal)
  ) onChange();
  throw new IpError('"ip monitor" ended');
}

async function output(
  programs: Client<typeof process>,
  args: string[],
  signal: AbortSignal,
): Promise<string> {
  let text = "";
  for await (const line of run(programs, args, signal)) text += `${line}\n`;
  return text;
}

/** Yields the empty line once it runs, then what it prints. */
async function* run(
  programs: Client<typeof process>,
  args: string[],
  signal: AbortSignal,
): AsyncGenerator<string, void, void> {
  let complaint = "";
  try {
    for await (
      const event of programs.run({ program: "ip", args }, { signal })
    ) {
      if (event.kind === "started") yield "";
      if (event.kind === "line" && event.from === "stdout") yield event.text;
      if (event.kind === "line" && event.from === "stderr") {
        complaint = event.text;
      }
      if (event.kind === "exited" && event.code !== 0) {
        throw new IpError(
          `"ip ${args.join(" ")}" ended with ${event.code}: ${complaint}`,
        );
      }
    }
  } catch (error) {
    if (error instanceof ServiceError && error.code === "not-found") {
      throw new IpError(error.message, { cause: error });
    }
    throw error;
  }
}
