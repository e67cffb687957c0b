/** What a plugin may touch, one list per kind of Deno permission. */
export interface Permissions {
  /** Files, and folders with all below them. */
  readonly read: readonly string[];
  /** Files, and folders with all below them. */
  readonly write: readonly string[];
  /** `HOST:PORT`, `ADDRESS/BITS:PORT` or `unix:/PATH`. */
  readonly net: readonly string[];
  /** Names of environment variables; one that ends in `*` stands for all that start so. */
  readonly env: readonly string[];
  /** Kinds of system information, by the names of Deno's `--allow-sys`. */
  readonly sys: readonly string[];
}

/** How one plugin uses one service. */
export interface UseEntry {
  /** The plugin also runs without the service. */
  readonly optional: boolean;
  /** The only methods it may call; all of the service's where absent. */
  readonly methods?: readonly string[];
  /** The part of the service it may reach, in the service's own terms. */
  readonly scope?: unknown;
}

/** On which kind of node a plugin runs. */
export type Role = "member" | "worker";

/** A plugin as the manifest declares it, variables not yet resolved. */
export interface PluginEntry {
  /** Its key under `plugins`, and its DN below `root`. */
  readonly name: string;
  readonly module: URL;
  /** Modules that it may import beside its own. */
  readonly contracts: readonly URL[];
  readonly permissions: Permissions;
  /** Names of the services it provides. */
  readonly provides: readonly string[];
  /** By name of the service. */
  readonly uses: Readonly<Record<string, UseEntry>>;
  /** Paths within what it may write that other entries may name too. */
  readonly shares: readonly string[];
  readonly roles: readonly Role[];
  readonly isolation: "worker" | "process";
  /**
   * Where the manifest says, or would have to say, something about this plugin.
   *
   * @param path Keys and indexes below the entry, such as `["uses", "kv"]`.
   * @returns `FILE:LINE:COLUMN` of that value, or of the nearest one around it.
   */
  readonly locate: (path?: readonly (string | number)[]) => string;
}

/** The plugins of a distribution: the `plugins` section of its `deno.json`. */
export interface Manifest {
  /** In the order of the file. */
  readonly plugins: readonly PluginEntry[];
}

/** What the variables of grants and scopes stand for on this node. */
export interface Variables {
  /** The data folder, absolute. */
  readonly data: string;
  /** The run folder, absolute. */
  readonly run: string;
  /** The node's config file, absolute. */
  readonly config: string;
  /** The node ID. */
  readonly node: string;
  /** The node's name. */
  readonly name: string;
  /** The address to listen on for other nodes. */
  readonly listen: string;
  /** The TCP port of the etcd peers. */
  readonly peerPort: number;
  /** The TCP port of the curator. */
  readonly curatorPort: number;
}

/** A path that no plugin may be granted, or only to read it. */
export interface ProtectedPath {
  /** A file, or a folder with all below it; absolute. */
  readonly path: string;
  /** What a plugin may still be granted there; `named`: to read it, where the entry names just that. */
  readonly access: "none" | "read" | "named";
  /** For a person, to follow "it is": `the node's private key`. */
  readonly why: string;
}

/** How one plugin uses one service on this node. */
export interface GrantedUse {
  /** The plugin also runs without the service. */
  readonly optional: boolean;
  /** The only methods it may call; all of the service's where absent. */
  readonly methods?: readonly string[];
  /** Parsed by the service's own schema where the service is one that Hamlet knows. */
  readonly scope: unknown;
}

/** What one plugin may touch on this node: its entry with variables resolved, and checked. */
export interface Grant {
  /** For `new Worker(…, { deno: { permissions } })`, which takes lists that can be written to. */
  readonly permissions: {
    readonly read: string[];
    readonly write: string[];
    readonly net: string[];
    readonly env: string[];
    readonly sys: string[];
  };
  /** By name of the service. */
  readonly uses: Readonly<Record<string, GrantedUse>>;
}
