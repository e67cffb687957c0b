import { z } from "zod";
import type { Service } from "../service/contract.ts";
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
export const REPLACED_PERMISSIONS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    run: 'Programs are run by the service "process"; declare it under "uses"',
    ffi:
      'No plugin calls libraries; the host name is set by the service "hostname", declared under "uses"',
    import:
      "A plugin's modules are those of the distribution; there is nothing to grant",
  }),
);

/** A plugin's name is its DN below `root`, and who it is to services, as are `admin` and `runtime`; `audit` is a DN too. */
const PluginName = z.string()
  .regex(/^[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/, {
    error:
      "A plugin's name is lower-case letters, digits and inner hyphens, starts with a letter and has at most 63",
  })
  .refine((name) => !["admin", "audit", "runtime", "root"].includes(name), {
    error: '"admin", "audit", "runtime" and "root" are not names of plugins',
  });

const ServiceName = z.string().regex(/^[a-z][a-zA-Z0-9-]{0,62}$/, {
  error:
    "A service's name is letters, digits and hyphens, and starts with a lower-case letter",
});

function Text(problemOf: (text: string) => string | undefined) {
  return z.string({ error: "Write a string" }).superRefine((text, context) => {
    const message = text === "" ? "It is empty" : problemOf(text);
    if (message !== undefined) context.addIssue({ code: "custom", message });
  });
}

function List<T extends z.ZodType>(item: T) {
  return z.array(item, { error: "Write a list, such as []" }).superRefine(
    (items, context) => {
      for (const [index, one] of items.entries()) {
        if (items.indexOf(one) === index) continue;
        context.addIssue({
          code: "custom",
          path: [index],
          message: "It is in the list twice",
        });
      }
    },
  );
}

/** An object of which a wrong key is answered with the right ones. */
function Keys<T extends z.ZodRawShape>(shape: T) {
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === "unrecognized_keys"
        ? `Known keys are ${Object.keys(shape).join(", ")}`
        : "Write an object, such as {}",
  });
}

const Permissions = Keys({
  read: List(Text((text) => grantedPathProblem(text, "read"))).prefault([])
    .describe(
      "Files, and folders with all below them: ${data}/…, ${run}/…, ${config}, ${package:NAME} or absolute",
    ),
  write: List(Text((text) => grantedPathProblem(text, "write"))).prefault([])
    .describe(
      "Files, and folders with all below them: ${data}/…, ${run}/… or absolute. What a plugin may write is its own: no other plugin is granted anything there, unless `shares` says so",
    ),
  net: List(Text(grantedAddressProblem)).prefault([])
    .describe(
      'HOST:PORT, ADDRESS:PORT, ADDRESS/BITS:PORT (IPv4, "0.0.0.0/0" for all) or unix:${run}/PATH, which also needs read and write; or "*" alone: every address and port, the only way to name IPv6 addresses that are not known beforehand. Variables: ${listen}, ${peerPort}, ${curatorPort}',
    ),
  env: List(
    Text((text) =>
      /^[A-Za-z_][A-Za-z0-9_]*\*?$/.test(text)
        ? undefined
        : 'Write the name of one variable, or the beginning of several and "*"'
    ),
  ).prefault([])
    .describe(
      "Names of environment variables; GRPC_* stands for all that start so",
    ),
  sys: List(z.enum(SYSTEM_KINDS)).prefault([])
    .describe(
      "Kinds of system information, by the names of Deno's --allow-sys",
    ),
}).prefault({}).describe(
  "What the Deno runtime lets the plugin touch; nothing else",
);

/** What holds for the strings of every scope, whatever the service makes of them. */
function checkScope(scope: unknown, context: z.RefinementCtx) {
  const visit = (value: unknown, path: (string | number)[]) => {
    if (typeof value === "string") {
      const message = /^[/*]*$/.test(value)
        ? "A scope is a part of a service; name what the plugin needs of it"
        : variableProblem(value, [...VARIABLE_NAMES, "package:NAME"]);
      if (message !== undefined) {
        context.addIssue({ code: "custom", path, message });
      }
    } else if (Array.isArray(value)) {
      for (const [index, one] of value.entries()) visit(one, [...path, index]);
    } else if (typeof value === "object" && value !== null) {
      for (const [key, one] of Object.entries(value)) {
        visit(one, [...path, key]);
      }
    }
  };
  visit(scope, []);
}

const optional = z.boolean({ error: "Write true or false" }).prefault(false)
  .describe(
    "The plugin also runs without the service: it sees it come and go, instead of being canceled and started again",
  );

function MethodNames<T extends z.ZodType>(name: T) {
  return List(name).min(1, {
    error: "Name a method, or leave it out for all of them",
  }).optional().describe("The only methods it may call. Default: all");
}

/** What an entry may say of its use of a service whose contract is known. */
function KnownUse(service: Service) {
  const use = {
    optional,
    methods: MethodNames(z.enum(Object.keys(service.methods))),
  };
  if (service.scope instanceof z.ZodUndefined) return Keys(use);
  return Keys({
    ...use,
    scope: service.scope.superRefine(checkScope)
      .describe("The part of the service it may reach"),
  });
}

const UnknownUse = Keys({
  optional,
  methods: MethodNames(Text(() => undefined)),
  scope: z.unknown().superRefine(checkScope).optional().describe(
    "The part of the service it may reach, in the service's own terms",
  ),
});

const Uses = z.object(
  Object.fromEntries(
    Array.from(
      KNOWN_SERVICES,
      ([name, service]) => [name, KnownUse(service).optional()],
    ),
  ),
  { error: "Write an object, such as {}" },
).catchall(UnknownUse).prefault({}).describe(
  "The services it uses, by name. ${data}, ${run}, ${config}, ${node}, ${name}, ${listen}, ${peerPort}, ${curatorPort} and ${package:NAME} are resolved in a scope",
);

/** The shape of one entry under `plugins`; what holds between entries, `parseManifest` checks. */
export const PluginSchema = Keys({
  module: z.string({ error: 'Write a path, such as "./plugins/NAME/mod.ts"' })
    .describe("The module to load, relative to this file and below its folder"),
  permissions: Permissions,
  provides: List(ServiceName).prefault([])
    .describe("The services it provides; no two plugins provide the same one"),
  uses: Uses,
  shares: List(Text((text) => grantedPathProblem(text, "write"))).prefault([])
    .describe(
      "Paths within what it may write that the entries of other plugins may name too",
    ),
  contracts: List(z.string({
    error: 'Write a path, such as "./contracts/NAME.ts"',
  })).prefault([]).describe(
    "Single modules that it may import beside its own, relative to this file and below its folder: such as the contract of a service that it shares with another plugin",
  ),
  roles: List(z.enum(["member", "worker"])).min(1, {
    error: 'Write "member", "worker" or both',
  }).prefault(["member", "worker"])
    .describe("On which kind of node it runs: one with etcd, one without"),
  isolation: z.enum(["worker", "process"]).prefault("process")
    .describe(
      "worker: a thread of the node, for trusted code. process: a process of its own, for everything else",
    ),
}).describe("A plugin, and everything it may touch");

/** The shape of `plugins`, by name. */
export const PluginsSchema = z.record(PluginName, PluginSchema, {
  error: "Write an object with an entry for each plugin",
}).refine((plugins) => Object.keys(plugins).length > 0, {
  error: "Declare a plugin: a node without one does nothing",
}).describe("The plugins that this distribution loads");

/** Whose plugins a manifest takes over. */
export const ExtendsSchema = z.literal("hamlet", {
  error:
    'Write "hamlet", to have the plugins of the Hamlet that runs this, or leave it out',
}).optional().describe(
  "Takes over the plugins that Hamlet's own deno.json declares, as they are there",
);
