import type { Logger } from "../log/logger.ts";
import type { Implementation } from "../service/contract.ts";
import { ServiceError } from "../service/errors.ts";
import type { node } from "../services/node.ts";
import type { Role } from "../services/nodes.ts";
import { forgetJoinToken, readJoinToken } from "./join_token.ts";
import type { NodeMemory } from "./node_memory.ts";

/** Options of {@linkcode nodeService}. */
export interface NodeServiceOptions {
  /** The data folder. */
  readonly data: string;
  readonly memory: NodeMemory;
  readonly log: Logger;
  /** Told that the node belongs to its cluster from now on. */
  onJoined(): void;
  /**
   * Finds out whether the node can have a role, and how.
   *
   * @param role The role.
   * @returns What starts and ends plugins as it wants them.
   */
  prepareRole(role: Role): Promise<() => Promise<void>>;
  /** Ends what keeps data; told once it is durable that the node has been removed. */
  onRemoved(reason: string): void;
}

/**
 * Makes the service that knows the node's place in the cluster.
 *
 * @param options See {@linkcode NodeServiceOptions}.
 * @returns The service.
 */
export function nodeService(
  { data, memory, log, onJoined, prepareRole, onRemoved }: NodeServiceOptions,
): Implementation<typeof node> {
  let changing = false;
  return {
    async joinToken() {
      const token = await readJoinToken(data);
      return token === undefined ? {} : { token };
    },

    async joined() {
      onJoined();
      await forgetJoinToken(data);
      return {};
    },

    async setRole({ role }) {
      const former = memory.file.role;
      if (former === role) return {};
      if (changing) {
        throw new ServiceError(
          "unavailable",
          `Cannot become a ${role} yet: this node is just becoming a ${former}`,
        );
      }
      changing = true;
      try {
        const change = await prepareRole(role);
        // What it was founded with is not made again when it becomes a member another time.
        await memory.update({
          role,
          origin: "join",
          established: false,
          formerRole: former,
        });
        log.info(`This node becomes a ${role}; it was a ${former}`);
        // Not waited for: who says it may be one of those that are ended for it.
        change().catch((error) =>
          log.error(`Cannot become a ${role}: start the node again`, { error })
        ).finally(() => changing = false);
      } catch (error) {
        changing = false;
        throw error;
      }
      return {};
    },

    async removed({ reason }) {
      if (memory.file.removed !== undefined) return {};
      await memory.update({ removed: reason });
      log.error(
        `The cluster has removed this node (${reason}); to use the machine again, stop Hamlet, empty the data folder ` +
          `with \`hamlet reset\`, and join the cluster with a new invitation`,
      );
      onRemoved(reason);
      return {};
    },
  };
}
