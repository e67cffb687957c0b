import {
  definePlugin,
  hostname,
  ifThere,
  Latest,
  network,
  writeFileAtomic,
} from "hamlet";
import {
  describeChange,
  entryProblem,
  type HostsEntry,
  renderHosts,
} from "./hosts_file.ts";
import { checkOwnName, type OwnName } from "./own_name.ts";

/** Milliseconds until this system is asked again for a name that it does not resolve. */
const RECHECK_MS = 10_000;
/** What everybody on the machine reads. */
const PUBLIC = { mode: 0o644 };

/**
 * Makes this machine know the nodes by name: `hosts`, `machine-id` and the host name. What is in `hosts` its children
 * find out: `local`, about this node.
 */
export default definePlugin({
  async run(ctx) {
    const { node, log } = ctx;
    const hostsFile = `${node.folders.run}/hosts`;
    const hostnames = await ctx.use(hostname);
    const networks = await ctx.use(network);

    /** By node ID. */
    const nodes = new Latest<ReadonlyMap<string, HostsEntry>>(new Map());
    ctx.run("local", async (child) => {
      child.healthy();
      for await (
        const { addresses: [address] } of networks.watch({}, {
          signal: child.signal,
        })
      ) {
        // A node between two addresses is better looked for at the old one than nowhere.
        if (address === undefined) continue;
        nodes.set(
          new Map(nodes.value).set(node.id, {
            id: node.id,
            name: node.name,
            address,
          }),
        );
      }
    });

    const machineIdFile = `${node.folders.run}/machine-id`;
    const machineId = `${node.machineId}\n`;
    if (await ifThere(Deno.readTextFile(machineIdFile)) !== machineId) {
      await writeFileAtomic(machineIdFile, machineId, PUBLIC);
    }
    await hostnames.set({});

    /** The node's address as it is in the file, set each time that the file is found or made right. */
    const right = new Latest<{ readonly own: string } | undefined>(undefined);
    ctx.run("check", async (child) => {
      child.healthy();
      let last: OwnName | undefined;
      let timer: ReturnType<typeof setTimeout> | undefined;
      try {
        for await (const file of right.watch(child.signal)) {
          clearTimeout(timer);
          if (file === undefined) continue;
          const now = await checkOwnName(hostnames, file.own, hostsFile);
          if (now.message !== last?.message) {
            child.log[levelOf(now, last)](now.message);
          }
          last = now;
          if (now.found !== "no") continue;
          timer = setTimeout(() => right.set({ ...file }), RECHECK_MS);
        }
      } finally {
        clearTimeout(timer);
      }
    });

    let content = await ifThere(Deno.readTextFile(hostsFile));
    let entries: ReadonlyMap<string, HostsEntry> = new Map();
    const skipped = new Set<string>();
    let first = true;
    // Begins at once with localhost alone, before any address; what an earlier start has left knows more than that.
    const found = content?.startsWith(renderHosts([])) ?? false;
    for await (const known of nodes.watch(ctx.signal)) {
      const good = new Map([...known].filter(([, entry]) => {
        const problem = entryProblem(entry);
        if (problem === undefined) return true;
        const message =
          `Leaving node "${entry.id}" out of "${hostsFile}": ${problem}`;
        if (!skipped.has(message)) log.warn(message);
        skipped.add(message);
        return false;
      }));
      const next = renderHosts(good.values());
      if (next !== content && !(first && found && good.size === 0)) {
        await writeFileAtomic(hostsFile, next, PUBLIC);
        log.info(
          `Wrote "${hostsFile}": ${
            describeChange(entries, good) || "localhost alone"
          }`,
        );
        content = next;
      }
      const own = good.get(node.id)?.address;
      if (own !== undefined) right.set({ own });
      entries = good;
      if (first) {
        ctx.healthy();
        ctx.ready();
        first = false;
      }
    }
  },
});

/** An answer that is right is news only after one that was not. */
function levelOf(
  now: OwnName,
  last: OwnName | undefined,
): "debug" | "info" | "error" {
  if (now.found === "no") return "error";
  return now.found === "yes" && last?.found !== "no" ? "debug" : "info";
}
