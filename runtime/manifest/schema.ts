import * as v from "valibot";
import type { Service } from "../service/contract.ts";
import { Keys, Named, NoList, OneOf, TAKEN_NAMES } from "../service/keys.ts";
import { grantedAddressProblem } from "./granted_address.ts";
import { grantedPathProblem } from "./granted_path.ts";
import { KNOWN_SERVICES } from "./known_services.ts";
import { VARIABLE_NAMES, variableProblem } from "./variables.ts";

/** The kinds of `--allow-sys`, as Deno 2.9 knows them. */
const SYSTEM_KINDS = [
  "cpus",
  "getegid",
  "getPriority",
  "gid",
  "homedir",
  "hostname",
  "inspector",
  "loadavg",
  "networkInterfaces",
  "osRelease",
  "osUptime",
  "setPriority",
  "statfs",
  "systemMemoryInfo",
  "uid",
  "userInfo",
  "username",
] as const;

/** What replaces a permission that no plugin gets. */
const REPLACED_PERMISSIONS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    run: 'Programs are run by the service "process"; declare it under "uses"',
    ffi:
      'No plugin calls libraries; the host name is set by the service "hostname", declared under "uses"',
    import:
      "A plugin's modules are those of the distribution; there is nothing to grant",
  }),
);

/** A plugin's name is its DN below `root`, and who it is to services, as are `admin` and `runtime`; `audit` is a DN too. */
const PluginName = v.pipe(
  v.string(),
  v.regex(
    /^[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/,
    "A plugin's name is lower-case letters, digits and inner hyphens, starts with a letter and has at most 63",
  ),
  v.check(
    (name) => !["admin", "audit", "runtime", "root"].includes(name),
    '"admin", "audit", "runtime" and "root" are not names of plugins',
  ),
);

const NO_SERVICE_NAME =
  "A service's name is letters, digits and hyphens, and starts with a lower-case letter";
const ServiceName = v.pipe(
  v.string(NO_SERVICE_NAME),
  v.regex(/^[a-z][a-zA-Z0-9-]{0,62}$/, NO_SERVICE_NAME),
  v.check(
    (name) => !TAKEN_NAMES.includes(name),
    "Every object of JavaScript has that name; choose another one",
  ),
);

function Text(problemOf: (text: string) => string | undefined) {
  return v.pipe(
    v.string("Write a string"),
    v.rawCheck(({ dataset, addIssue }) => {
      if (!dataset.typed) return;
      const { value } = dataset;
      const message = value === "" ? "It is empty" : problemOf(value);
      if (message !== undefined) addIssue({ message });
    }),
  );
}

function List<T extends v.GenericSchema>(item: T) {
  return v.pipe(
    v.array(item, "Write a list, such as []"),
    v.checkItems(
      (one, index, items) => items.indexOf(one) === index,
      "It is in the list twice",
    ),
  );
}

/** A list that is empty where there is none. */
function Listed<T extends v.GenericSchema>(item: T, description: string) {
  return v.optional(v.pipe(List(item), v.description(description)), []);
}

const Permissions = Keys({
  read: Listed(
    Text((text) => grantedPathProblem(text, "read")),
    "Files, and folders with all below them: ${data}/…, ${run}/…, ${config}, ${package:NAME} or absolute",
  ),
  write: Listed(
    Text((text) => grantedPathProblem(text, "write")),
    "Files, and folders with all below them: ${data}/…, ${run}/… or absolute. What a plugin may write is its own: no other plugin is granted anything there, unless `shares` says so",
  ),
  net: Listed(
    Text(grantedAddressProblem),
    'HOST:PORT, ADDRESS:PORT, ADDRESS/BITS:PORT (IPv4, "0.0.0.0/0" for all) or unix:${run}/PATH, which also needs read and write; or "*" alone: every address and port, the only way to name IPv6 addresses that are not known beforehand. Variables: ${listen}, ${peerPort}, ${curatorPort}',
  ),
  env: Listed(
    Text((text) =>
      /^[A-Za-z_][A-Za-z0-9_]*\*?$/.test(text)
        ? undefined
        : 'Write the name of one variable, or the beginning of several and "*"'
    ),
    "Names of environment variables; GRPC_* stands for all that start so",
  ),
  sys: Listed(
    OneOf(SYSTEM_KINDS),
    "Kinds of system information, by the names of Deno's --allow-sys",
  ),
}, { replaced: REPLACED_PERMISSIONS });

/** Where in a scope something stands. */
type Place = [v.IssuePathItem, ...v.IssuePathItem[]];

/** What holds for the strings of every scope, whatever the service makes of them. */
const checkScope = v.rawCheck<unknown>(({ dataset, addIssue }) => {
  const visit = (value: unknown, path?: Place) => {
    if (typeof value === "string") {
      const message = /^[/*]*$/.test(value)
        ? "A scope is a part of a service; name what the plugin needs of it"
        : variableProblem(value, [...VARIABLE_NAMES, "package:NAME"]);
      if (message !== undefined) addIssue({ message, path });
    } else if (typeof value === "object" && value !== null) {
      const list = Array.isArray(value);
      for (const [name, one] of Object.entries(value)) {
        const item: v.IssuePathItem = {
          type: "unknown",
          origin: "value",
          input: value,
          key: list ? Number(name) : name,
          value: one,
        };
        visit(one, path === undefined ? [item] : [...path, item]);
      }
    }
  };
  if (dataset.typed) visit(dataset.value);
});

const optional = v.optional(
  v.pipe(
    v.boolean("Write true or false"),
    v.description(
      "The plugin also runs without the service: it sees it come and go, instead of being canceled and started again",
    ),
  ),
  false,
);

function MethodNames<T extends v.GenericSchema>(name: T) {
  return v.optional(v.pipe(
    List(name),
    v.minLength(1, "Name a method, or leave it out for all of them"),
    v.description("The only methods it may call. Default: all"),
  ));
}

/** What an entry may say of its use of a service whose contract is known. */
function KnownUse(service: Service) {
  const use = {
    optional,
    methods: MethodNames(OneOf(Object.keys(service.methods))),
  };
  if (service.scope.type === "undefined") return Keys(use);
  return Keys({
    ...use,
    scope: v.pipe(
      service.scope,
      checkScope,
      v.description("The part of the service it may reach"),
    ),
  });
}

const UnknownUse = Keys({
  optional,
  methods: MethodNames(Text(() => undefined)),
  scope: v.optional(v.pipe(
    v.unknown(),
    checkScope,
    v.description(
      "The part of the service it may reach, in the service's own terms",
    ),
  )),
});

/** Those that are known, in their own terms; anything else that a plugin may provide. */
const Uses = NoList(v.objectWithRest(
  Object.fromEntries(
    Array.from(
      KNOWN_SERVICES,
      ([name, service]) => [name, v.optional(KnownUse(service))],
    ),
  ),
  UnknownUse,
  "Write an object, such as {}",
));

/** The shape of one entry under `plugins`; what holds between entries, `parseManifest` checks. */
export const PluginSchema = Keys({
  module: v.pipe(
    v.string('Write a path, such as "./plugins/NAME/mod.ts"'),
    v.description(
      "The module to load, relative to this file and below its folder",
    ),
  ),
  permissions: v.optional(
    v.pipe(
      Permissions,
      v.description(
        "What the Deno runtime lets the plugin touch; nothing else",
      ),
    ),
    {},
  ),
  provides: Listed(
    ServiceName,
    "The services it provides; no two plugins provide the same one",
  ),
  uses: v.optional(
    v.pipe(
      Uses,
      v.description(
        "The services it uses, by name. ${data}, ${run}, ${config}, ${node}, ${name}, ${listen}, ${peerPort}, ${curatorPort} and ${package:NAME} are resolved in a scope",
      ),
    ),
    {},
  ),
  shares: Listed(
    Text((text) => grantedPathProblem(text, "write")),
    "Paths within what it may write that the entries of other plugins may name too",
  ),
  contracts: Listed(
    v.string('Write a path, such as "./contracts/NAME.ts"'),
    "Single modules that it may import beside its own, relative to this file and below its folder: such as the contract of a service that it shares with another plugin",
  ),
  roles: v.optional(
    v.pipe(
      List(OneOf(["member", "worker"])),
      v.minLength(1, 'Write "member", "worker" or both'),
      v.description(
        "On which kind of node it runs: one with etcd, one without",
      ),
    ),
    ["member", "worker"],
  ),
  isolation: v.optional(
    v.pipe(
      OneOf(["worker", "process"]),
      v.description(
        "worker: a thread of the node, for trusted code. process: a process of its own, for everything else",
      ),
    ),
    "process",
  ),
});

/** The shape of `plugins`, by name. */
export const PluginsSchema = v.pipe(
  Named(
    PluginName,
    v.pipe(
      PluginSchema,
      v.description("A plugin, and everything it may touch"),
    ),
    "Write an object with an entry for each plugin",
  ),
  v.check(
    (plugins) => Object.keys(plugins).length > 0,
    "Declare a plugin: a node without one does nothing",
  ),
  v.description("The plugins that this distribution loads"),
);

/** Whose plugins a manifest takes over. */
export const ExtendsSchema = v.optional(v.pipe(
  v.literal(
    "hamlet",
    'Write "hamlet", to have the plugins of the Hamlet that runs this, or leave it out',
  ),
  v.description(
    "Takes over the plugins that Hamlet's own deno.json declares, as they are there",
  ),
));
