import { fileURLToPath } from "node:url";

/** What stands in for systemd at the other end of a service's socket. */
export interface ServiceManager extends AsyncDisposable {
  /**
   * Waits for a datagram, from the first on.
   *
   * @param matches Tells whether it is the one.
   */
  told(matches: (state: string) => boolean): Promise<string>;
  /** Has it read no more. */
  pause(): void;
  /** What came so far. */
  readonly states: readonly string[];
}

/**
 * Listens at a socket for what services tell; in a process of its own, since Deno has such sockets as an unstable
 * interface only.
 *
 * @param path The socket.
 */
export async function serviceManager(path: string): Promise<ServiceManager> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--quiet", "--allow-all", "--no-config", "--unstable-net"],
      fileURLToPath(new URL("listen.ts", import.meta.url)),
      path,
    ],
    stdin: "null",
    stdout: "piped",
  }).spawn();
  const states: string[] = [];
  let changed = Promise.withResolvers<void>();
  const read = (async () => {
    let rest = "";
    for await (
      const text of child.stdout.pipeThrough(new TextDecoderStream())
    ) {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      states.push(...lines.map((line) => String(JSON.parse(line))));
      changed.resolve();
      changed = Promise.withResolvers();
    }
  })();
  const told = async (matches: (state: string) => boolean) => {
    for (;;) {
      const next = changed.promise;
      const found = states.find(matches);
      if (found !== undefined) return found;
      await next;
    }
  };
  await told((state) => state === "listening");
  return {
    told,
    pause: () => child.kill("SIGSTOP"),
    states,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await Promise.all([child.status, read]);
    },
  };
}
