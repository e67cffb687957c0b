import { X509Certificate } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import {
  enrollment,
  failpoint,
  FatalError,
  Latest,
  network,
  node as nodeService,
  nodes,
  type PluginContext,
} from "hamlet";
import {
  type Credentials,
  identityFiles,
  readCredentials,
  writeCredentials,
} from "../identity_files.ts";
import { aborted } from "./aborted.ts";
import type { AskMembersOptions } from "./ask_members.ts";
import { certificateContent } from "./certificate_content.ts";
import { defined } from "./defined.ts";
import { enrollmentService } from "./enrollment_service.ts";
import { findOriginal } from "./find_original.ts";
import { Follower, type SelfReport } from "./follow.ts";
import { join } from "./join.ts";
import { KnownCluster } from "./known_cluster.ts";
import { KnownRevocations } from "./known_revocations.ts";
import { nodesService } from "./nodes_service.ts";

/** Milliseconds between two writes of what is known of the cluster: it is for the next start, not for this one. */
const REMEMBER_MS = 1_000;

/** Options of {@linkcode startClient}. */
export interface ClientOptions {
  /** Who the node is to its cluster. The node that founds one gets that from its own server. */
  readonly credentials: Latest<Credentials | undefined>;
  /** A random number for this start of the curator. */
  readonly instance: Uint8Array;
  /** The port at which this node's own server answers; 0 while it does not, and is not to. */
  readonly serving: Latest<number>;
  /** Told that the client does its job or, with a reason, that it cannot for now. */
  readonly report: (reason?: string) => void;
}

/**
 * Makes this node one of its cluster, keeps it in touch with it, and tells the other plugins who belongs to it.
 *
 * @param ctx The plugin, whose children do the work.
 * @param options See {@linkcode ClientOptions}.
 * @returns Whom else may be asked for something in this node's cluster, and by what they are known.
 */
export async function startClient(
  ctx: PluginContext<unknown>,
  { credentials, instance, serving, report }: ClientOptions,
): Promise<AskMembersOptions> {
  const { node } = ctx;
  const { data } = node.folders;
  const files = identityFiles(data);
  await Deno.mkdir(`${data}/curator`, { recursive: true, mode: 0o700 });
  const known = await KnownCluster.open(
    `${data}/curator/cluster.json`,
    ctx.log,
  );
  // On members, the crl plugin writes the file.
  const writesList = node.role === "worker";
  const revocations = await KnownRevocations.open(files.crl, writesList);
  credentials.set(await readCredentials(files));

  ctx.provide(nodes, nodesService(known));
  const { id } = node;
  const { log } = ctx;
  const asking = { id, credentials, known, revocations, log };
  const unique = Promise.withResolvers<void>();
  ctx.provide(
    enrollment,
    enrollmentService({
      ...asking,
      unique: unique.promise,
      dropped: () => serving.set(0),
    }),
  );

  ctx.run("remember", async (child) => {
    child.healthy();
    try {
      for await (const _version of known.version.watch(child.signal)) {
        await known.save();
        await delay(REMEMBER_MS, undefined, { signal: child.signal });
      }
    } finally {
      await known.save();
    }
  });

  const self = new Latest<SelfReport>({ addresses: [], curatorPort: 0 });
  const located = Promise.withResolvers<void>();
  ctx.run("network", async (child) => {
    const networks = await ctx.use(network);
    child.healthy();
    for await (
      const { addresses } of networks.watch({}, { signal: child.signal })
    ) {
      self.set({ ...self.value, addresses });
      located.resolve();
    }
  });
  ctx.run("serving", async (child) => {
    child.healthy();
    for await (const curatorPort of serving.watch(child.signal)) {
      if (curatorPort !== self.value.curatorPort) {
        self.set({ ...self.value, curatorPort });
      }
      // The others need it for no more than that; that it follows itself comes by itself.
      if (curatorPort !== 0) report();
    }
  });

  const leave = async (reason: string, signal: AbortSignal) => {
    report(`The cluster has removed this node: ${reason}`);
    await (await ctx.use(nodeService)).removed({ reason }, { signal });
    await aborted(signal);
  };
  // One that is not part of a cluster yet, or cannot show that it is, would ask in vain.
  const asks = node.role === "member" && credentials.value !== undefined &&
    known.endpoints.length > 0;
  if (!asks) unique.resolve();
  else {
    ctx.run("original", async (child) => {
      const { signal } = child;
      child.healthy();
      const original = await findOriginal(
        { ...asking, name: node.name, self, instance },
        signal,
      );
      if (original !== undefined) return await leave(original, signal);
      unique.resolve();
      child.done();
    });
  }

  ctx.run("client", async (child) => {
    const { signal, log } = child;
    const place = await ctx.use(nodeService);
    const { token } = await place.joinToken({}, { signal });
    const founds = node.role === "member" && node.origin !== "join";
    if (credentials.value === undefined && !founds) {
      if (token === undefined) {
        throw new FatalError(
          "This node has neither a certificate of its cluster nor a token to join with: give it one with --join",
        );
      }
      await Promise.race([located.promise, aborted(signal)]);
      await join({
        token,
        name: node.name,
        addresses: () => self.value.addresses,
        files,
        known,
        revocations,
        log,
        signal,
        report,
      });
      credentials.set(await readCredentials(files));
    }
    failpoint("curator before joined");
    // Also where the last start got just so far.
    if (token !== undefined) await place.joined({}, { signal });
    if (credentials.value === undefined) {
      report("Waits for this node's certificate");
    }
    const { cert } = await defined(credentials, signal);
    const { role } = certificateContent(cert);
    if (role !== node.role) await place.setRole({ role }, { signal });

    child.healthy();
    // Before that, a report might be one of a copy.
    await Promise.race([unique.promise, aborted(signal)]);
    const follower = new Follower({
      id: node.id,
      name: node.name,
      localAddress: loopbackOf(node.listen),
      self,
      instance,
      credentials,
      known,
      revocations,
      log,
      report(reason) {
        // What it remembers is enough for this machine's own work; the log says that it is all.
        if (known.nodes.length > 0) report();
        else report(reason);
      },
      async renewed(certificate, role) {
        const { ca } = await defined(credentials, signal);
        await writeCredentials(files, certificate, new X509Certificate(ca).raw);
        credentials.set(await readCredentials(files));
        if (role !== node.role) await place.setRole({ role }, { signal });
      },
    });
    await leave(await follower.run(signal), signal);
  });
  return asking;
}

/** Where a server that listens on an address is reached on its own machine. */
function loopbackOf(listen: string): string {
  if (listen === "0.0.0.0") return "127.0.0.1";
  return listen === "::" ? "::1" : listen;
}
