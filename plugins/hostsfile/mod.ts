import { setTimeout as delay } from "node:timers/promises";
import {
  definePlugin,
  hostname,
  ifThere,
  Latest,
  network,
  nodes,
  v,
  writeFileAtomic,
} from "hamlet";
import { followCluster } from "./follow_cluster.ts";
import {
  describeChange,
  entryProblem,
  type HostsEntry,
  renderEntries,
  renderHosts,
} from "./hosts_file.ts";
import { checkOwnName, type OwnName } from "./own_name.ts";
import { RememberedNodes } from "./remembered_nodes.ts";

const Config = v.optional(
  v.strictObject({
    /** Whether a marked block in the machine's own `/etc/hosts` has the nodes too. @default false */
    etcHosts: v.optional(v.boolean(), false),
  }),
  {},
);

/** Milliseconds until this system is asked again for a name that it does not resolve. */
const RECHECK_MS = 10_000;
/** What everybody on the machine reads. */
const PUBLIC = { mode: 0o644 };
/** Milliseconds without a change after which the files are written: a cluster that starts is a burst of changes. */
const SETTLE_MS = 20;
/** Milliseconds after which they are written while changes go on. */
const MAX_SETTLE_MS = 250;

/**
 * Makes this machine know the nodes by name: `hosts`, `machine-id` and the host name. What is in `hosts` its children
 * find out: `local` about this node, `cluster` about the others.
 */
export default definePlugin({
  config: Config,
  async run(ctx) {
    const { node, log } = ctx;
    const hostsFile = `${node.folders.run}/hosts`;
    const folder = `${node.folders.data}/hostsfile`;
    await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
    const remembered = new RememberedNodes(`${folder}/nodes.json`);
    const hostnames = await ctx.use(hostname);
    const networks = await ctx.use(network);

    /** By node ID. */
    const known = new Latest(await remembered.read(log));
    ctx.run("local", async (child) => {
      child.healthy();
      for await (
        const { addresses: [address] } of networks.watch({}, {
          signal: child.signal,
        })
      ) {
        // A node between two addresses is better looked for at the old one than nowhere.
        if (address === undefined) continue;
        const entry = { id: node.id, name: node.name, address };
        const problem = entryProblem(entry);
        if (problem === undefined) {
          known.set(new Map(known.value).set(node.id, entry));
        } else {
          child.log.warn(
            `Leaving this node out of "${hostsFile}": ${problem}`,
          );
        }
      }
    });
    ctx.run(
      "cluster",
      followCluster({ use: () => ctx.use(nodes), self: node, known }),
    );

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
          const now = await checkOwnName(
            hostnames,
            file.own,
            hostsFile,
            child,
          );
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
    let first = true;
    // Begins at once with what it knows, which is localhost alone before any address; what an earlier start has left
    // knows more than that.
    const found = content?.startsWith(renderHosts([])) ?? false;
    for await (const _ of known.watch(ctx.signal)) {
      if (!first) await settle(known);
      const next = known.value;
      const lines = renderEntries(next.values());
      const text = renderHosts(lines);
      const isNew = text !== content &&
        !(first && found && !next.has(node.id));
      if (isNew) {
        await writeFileAtomic(hostsFile, text, PUBLIC);
        log.info(
          `Wrote "${hostsFile}": ${
            describeChange(entries, next) || "localhost alone"
          }`,
        );
        content = text;
      }
      if (ctx.config.etcHosts) await hostnames.hosts({ lines });
      const own = next.get(node.id)?.address;
      if (own !== undefined && (isNew || own !== right.value?.own)) {
        right.set({ own });
      }
      await remembered.write(
        [...next.values()].filter(({ id }) => id !== node.id),
      );
      entries = next;
      if (first) {
        ctx.healthy();
        ctx.ready();
        first = false;
      }
    }
  },
});

/** Waits until a value has not changed for a moment, or has changed for long enough. */
async function settle(value: Latest<unknown>): Promise<void> {
  const end = performance.now() + MAX_SETTLE_MS;
  let before: unknown;
  do {
    before = value.value;
    await delay(SETTLE_MS);
  } while (value.value !== before && performance.now() < end);
}

/** An answer that is right is news only after one that was not. */
function levelOf(
  now: OwnName,
  last: OwnName | undefined,
): "debug" | "info" | "error" {
  if (now.found === "no") return "error";
  return now.found === "yes" && last?.found !== "no" ? "debug" : "info";
}
