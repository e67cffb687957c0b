import { isWithin } from "../manifest/granted_path.ts";
import type { PluginEntry } from "../manifest/mod.ts";
import { hostname } from "../services/hostname.ts";

/** Options of {@linkcode unitText}. */
export interface UnitOptions {
  /** The program's path. */
  readonly program: string;
  /** What the manifest declares: the unit lets through what is granted. */
  readonly plugins: readonly PluginEntry[];
  /** Whether the node may set the machine's host name. */
  readonly hostname: "on" | "off";
}

/** The unit's name. */
export const UNIT = "hamlet.service";
/** How the first start differs from all others, as an environment file of systemd.exec(5). */
export const FIRST_START = "/etc/hamlet/first-start";
/** The variable in it: arguments, separated by spaces. */
export const FIRST_START_VARIABLE = "HAMLET_FIRST_START";
/** What they may name: the arguments of a process, and what systemd says of a unit, are everybody's to read. */
export const JOIN_TOKEN = "/etc/hamlet/join-token";

const HOMES = ["/home", "/root", "/run/user"];
const TEMPORARY = ["/tmp", "/var/tmp"];

/**
 * Writes the unit by which systemd runs a node, systemd.service(5) and systemd.exec(5).
 *
 * @param options See {@linkcode UnitOptions}.
 * @returns The text.
 */
export function unitText(
  { program, plugins, hostname: mode }: UnitOptions,
): string {
  const setsHostName = mode === "on" &&
    plugins.some(({ uses }) => Object.hasOwn(uses, hostname.name));
  // Those that begin with a variable are in the folders of the node.
  const absolute = (paths: readonly string[]) =>
    paths.filter((path) => path.startsWith("/"));
  const writes = plugins.flatMap(({ permissions }) =>
    absolute(permissions.write)
  );
  const reads = plugins.flatMap(({ permissions }) =>
    absolute(permissions.read)
  );
  const grants = (folders: readonly string[]) =>
    [...reads, ...writes].some((path) =>
      folders.some((folder) => isWithin(path, folder) || isWithin(folder, path))
    );
  // Until the node has been ready once, in whatever role, which node.json says by its "hamlet": one whose token is
  // refused can be given another. There is no quote in it, since it stands in quotes.
  const first =
    `if grep -qs .hamlet.: /var/lib/hamlet/node.json; then rm -f ${FIRST_START} ${JOIN_TOKEN}; fi`;
  return `[Unit]
Description=Hamlet, a cluster that runs itself
After=network.target
# A node always comes back.
StartLimitIntervalSec=0

[Service]
Type=notify
# How an empty data folder becomes a node. Without braces, the variable is any number of arguments.
EnvironmentFile=-${FIRST_START}
ExecStartPre=+/bin/sh -c '${first}'
ExecStart=${program} run $${FIRST_START_VARIABLE}
ExecStartPost=+/bin/sh -c '${first}'
# While it starts or ends, which may take any time, it asks for more of it as long as it is alive.
TimeoutStartSec=60
TimeoutStopSec=60
WatchdogSec=60
Restart=always
RestartSec=2
# It was told what cannot be: that does not change by itself.
RestartPreventExitStatus=2
# It ends etcd in order; what it leaves behind is killed.
KillMode=mixed
# It starts etcd again by itself.
OOMPolicy=continue

StateDirectory=hamlet
StateDirectoryMode=0700
RuntimeDirectory=hamlet
RuntimeDirectoryMode=0755
# The hosts file: names resolve also while the node is being started again.
RuntimeDirectoryPreserve=yes
ConfigurationDirectory=hamlet
UMask=0077

NoNewPrivileges=yes
CapabilityBoundingSet=${setsHostName ? "CAP_SYS_ADMIN" : ""}
${setsHostName ? "# sethostname(2) takes it." : "ProtectHostname=yes"}
ProtectSystem=strict
${writes.map((path) => `ReadWritePaths=-${escape(path)}\n`).join("")}${
    grants(HOMES)
      ? "# A plugin is granted what is there.\nProtectHome=no"
      : "ProtectHome=yes"
  }
${
    grants(TEMPORARY)
      ? "# A plugin is granted what is there.\nPrivateTmp=no"
      : "PrivateTmp=yes"
  }
PrivateDevices=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
KeyringMode=private
LockPersonality=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallErrorNumber=EPERM
SystemCallFilter=@system-service @pkey${setsHostName ? " sethostname" : ""}

[Install]
WantedBy=multi-user.target
`;
}

/** A path as a unit has it: "%" begins a specifier, a space ends a word. */
function escape(path: string): string {
  return path.replaceAll("%", "%%").replaceAll(
    /[\s"'\\]/g,
    (character) =>
      `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
}
