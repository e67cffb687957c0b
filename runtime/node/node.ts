import { resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { serveAdmin } from "../admin/server.ts";
import { Broker } from "../broker/broker.ts";
import { armFailpoints } from "../failpoint.ts";
import { wantsColor } from "../log/color.ts";
import { createLog } from "../log/log.ts";
import { createOutput } from "../log/output.ts";
import { KNOWN_SERVICES } from "../manifest/known_services.ts";
import type { NodeInfo } from "../plugin/plugin.ts";
import { version } from "../version.ts";
import { hostname } from "../services/hostname.ts";
import type { Role } from "../services/nodes.ts";
import { process } from "../services/process.ts";
import { node as nodeContract } from "../services/node.ts";
import { checkModules } from "./check_modules.ts";
import { checkPrograms } from "./check_programs.ts";
import { choosePlugins, leftOutWarnings } from "./choose_plugins.ts";
import { noConfig, readConfig } from "./config.ts";
import { effectiveSettings } from "./effective_settings.ts";
import { removeOldPrograms, unpackPrograms } from "./embedded_programs.ts";
import {
  examineFolders,
  makeDataFolders,
  type OpenFolders,
  openFolders,
  resolveFolders,
} from "./folders.ts";
import { hostnameService } from "./hostname_service.ts";
import { writeIdentity } from "./identity.ts";
import { forgetJoinToken, writeJoinToken } from "./join_token.ts";
import { manifestPath } from "./manifest_path.ts";
import { type NodeFile, writeNodeFile } from "./node_file.ts";
import { NodeMemory } from "./node_memory.ts";
import { findNode } from "./node_record.ts";
import { nodeService } from "./node_service.ts";
import { type PluginGrants, resolveGrants } from "./plugin_grants.ts";
import { choosePorts } from "./ports.ts";
import { processService } from "./process_service.ts";
import { protectedPaths } from "./protected_paths.ts";
import { readManifest } from "./read_manifest.ts";
import { removeRoleData } from "./role_data.ts";
import { type Node, RunningNode } from "./running_node.ts";
import type { NodeSettings } from "./settings.ts";
import { endStrays, processMarker } from "./strays.ts";

/** Before Hamlet was made: a clock that says so is wrong. */
const EARLIEST = Date.UTC(2024, 0, 1);

/**
 * Starts a node in this process: checks the ground, takes the locks, starts the plugins, and serves the admin socket.
 * Returns as soon as the plugins are being started; {@linkcode Node.ready} tells when they all do their job. There is
 * one node in a process at a time.
 *
 * @param settings What the command line says.
 * @returns The node.
 * @throws {StartError} If it cannot start; nothing on disk is changed then.
 */
export async function startNode(settings: NodeSettings): Promise<Node> {
  const { dev = false } = settings;
  const configPath = resolve(settings.config ?? "/etc/hamlet/config.json");
  const { config, checkPlugins } = dev && settings.config === undefined
    // One for trying things out is not to depend on what a real one on the same machine is told.
    ? noConfig
    : await readConfig(configPath, settings.config !== undefined);
  const effective = effectiveSettings(settings, config);
  const manifestFile = manifestPath(settings.manifest);
  const manifest = await readManifest(manifestFile);
  checkPlugins(manifest.plugins.map(({ name }) => name));
  const folders = await resolveFolders(
    settings.dataDir ?? (dev ? ".hamlet/data" : "/var/lib/hamlet"),
    settings.runDir ?? (dev ? ".hamlet/run" : "/run/hamlet"),
  );
  const state = await examineFolders(folders);
  const record = await findNode(folders.data, state, settings);
  const chosen = choosePlugins(manifest, settings.plugins, record.role);
  await checkModules(chosen);

  const output = createOutput(Deno.stderr);
  const log = createLog({
    ...effective.logLevels,
    format: effective.logFormat,
    color: wantsColor(Deno.stderr),
    write: settings.writeLog ?? output.write,
  });
  const rootLog = log.logger("root");
  const failpoint = Deno.env.get("HAMLET_FAILPOINT");
  armFailpoints(failpoint, (name) => rootLog.info(`Failpoint "${name}"`));
  let opened: OpenFolders | undefined;
  const giveBack = async (undo: boolean) => {
    if (undo) await opened?.undo();
    opened?.[Symbol.dispose]();
    log[Symbol.dispose]();
    await output.flush();
  };
  try {
    opened = await openFolders(folders, state);
    const marker = await processMarker(folders.data);
    if (record.file !== undefined) await endStrays(marker, rootLog);

    const { identity, origin, role, joinToken } = record;
    const ports = await choosePorts(effective, record.file, chosen);
    const name = effective.name ?? record.file?.name;
    const file: NodeFile = {
      ...record.file,
      version: 2,
      id: identity.id,
      ...(name === undefined ? {} : { name }),
      origin,
      role,
      ...ports,
      ...(record.file?.hamlet === undefined
        ? {}
        : { hamlet: record.file.hamlet }),
      established: record.file?.established ?? false,
    };
    const info: NodeInfo = {
      id: identity.id,
      name: name ?? identity.id,
      machineId: identity.machineId,
      origin: file.established ? "established" : origin,
      role,
      folders,
      listen: effective.listen,
      ...(effective.advertise === undefined
        ? {}
        : { advertise: effective.advertise }),
      ...ports,
    };
    const grantsOf = (role: Role) =>
      resolveGrants(
        manifest.plugins,
        choosePlugins(manifest, settings.plugins, role),
        {
          ...folders,
          ...ports,
          config: configPath,
          node: info.id,
          name: info.name,
          listen: info.listen,
        },
        protectedPaths(folders, configPath, manifestFile, manifest.plugins),
        config.plugins,
      );
    const grants = await grantsOf(role);
    await checkPrograms(grants.hosted, effective.programs);

    // The key first: node.json is what makes this a node, and a key alone is taken up by the next start.
    if (state === "empty") await writeIdentity(folders.data, identity);
    if (joinToken !== undefined) await writeJoinToken(folders.data, joinToken);
    else if (state === "interrupted") await forgetJoinToken(folders.data);
    if (!isDeepStrictEqual(file, record.file)) {
      await writeNodeFile(folders.data, file);
    }
    const memory = new NodeMemory(folders.data, file);
    /** Ends the change of a role, also one that a crash interrupted. */
    const forgetFormerRole = async () => {
      const { formerRole, role } = memory.file;
      if (formerRole === undefined) return;
      await removeRoleData(folders.data, manifest.plugins, formerRole, role);
      await makeDataFolders(folders.data);
      await memory.update({ formerRole: undefined });
    };
    await forgetFormerRole();

    const programs: Record<string, string> = {};
    const unpackFor = async ({ hosted }: PluginGrants) =>
      Object.assign(
        programs,
        await unpackPrograms(hosted, effective.programs, folders.data),
      );
    await unpackFor(grants);

    const broker = new Broker({
      log: log.sink,
      exampleScope: (service, plugin) =>
        KNOWN_SERVICES.get(service)?.exampleScope?.(plugin),
    });
    const processes = processService({
      programs,
      cwd: folders.run,
      marker,
      log: rootLog,
    });
    broker.provide(
      hostname,
      hostnameService({
        name: info.name,
        mode: effective.hostname,
        log: rootLog,
      }),
    );
    broker.provide(process, processes.implementation);
    broker.provide(
      nodeContract,
      nodeService({
        data: folders.data,
        memory,
        log: rootLog,
        onJoined: () => node.keep(),
        async prepareRole(role) {
          const grants = await grantsOf(role);
          // A worker runs no etcd, and so has made none ready.
          await unpackFor(grants);
          return () =>
            node.setRole(role, grants, async () => {
              // A plugin does not wait for the end of what it ran, which may still write what is removed now.
              await processes.canceledEnded();
              await forgetFormerRole();
            });
        },
        onRemoved: (reason) => void node.setRemoved(reason),
      }),
    );
    const warnings = clockWarnings();
    for (const warning of warnings) rootLog.warn(warning);
    const node = new RunningNode({
      info,
      logFormat: effective.logFormat,
      grants,
      broker,
      log,
      warnings,
      leftOut: leftOutWarnings(
        chosen,
        choosePlugins(manifest, undefined, role),
      ),
      failpoint,
      async onReady() {
        if (!memory.file.established || memory.file.hamlet !== version) {
          await memory.update({ established: true, hamlet: version });
        }
        try {
          await removeOldPrograms(folders.data, programs);
        } catch (error) {
          rootLog.warn("Cannot remove the programs of an earlier Hamlet", {
            error,
          });
        }
      },
      async onEnd(undo) {
        await processes.ended();
        await admin.stop();
        await giveBack(undo);
      },
    });
    const admin = await serveAdmin(`${folders.run}/hamlet.sock`, node);
    node.start();
    return node;
  } catch (error) {
    await giveBack(true);
    throw error;
  }
}

function clockWarnings(): string[] {
  const now = new Date();
  if (now.getTime() >= EARLIEST) return [];
  return [
    `The clock of this machine says ${now.toISOString()}, which cannot be: set it; the node runs all the same`,
  ];
}
