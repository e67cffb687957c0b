import type { Member } from "./services/cluster.ts";
import type { Role } from "./services/nodes.ts";
import type { RunnableStatus } from "./supervisor/mod.ts";

/** What a plugin says of itself; readiness, unlike supervision's HEALTHY, may be taken back. */
export type Readiness =
  | { readonly kind: "waiting"; readonly for: readonly string[] }
  | { readonly kind: "starting" }
  | { readonly kind: "ready" }
  | { readonly kind: "unready"; readonly reason: string }
  | { readonly kind: "given-up"; readonly reason: string };

/** A plugin in the node's status. */
export interface PluginStatus {
  readonly name: string;
  /** `ready`, or why not, in the words of {@linkcode Readiness}. */
  readonly state: Readiness["kind"];
  /** For a person: what it waits for or what is wrong. */
  readonly reason?: string;
  readonly restarts: number;
}

/** A member in the node's status. */
export interface MemberStatus extends Member {
  /** What its node is called, where that is known; `name` is the node's ID. */
  readonly nodeName?: string;
}

/** The answer of `hamlet status --json`. */
export interface NodeStatus {
  readonly ready: boolean;
  readonly node: {
    readonly id: string;
    readonly name: string;
    readonly machineId: string;
    readonly role: Role;
    /** The preferred address others reach it at; absent while there is none. */
    readonly address?: string;
  };
  readonly plugins: readonly PluginStatus[];
  readonly runnables: readonly Pick<
    RunnableStatus,
    "dn" | "state" | "restarts" | "since"
  >[];
  readonly members: readonly MemberStatus[];
  /** What an operator should know: alarms, a clock that is wrong, a risky etcd version. */
  readonly warnings: readonly string[];
}
