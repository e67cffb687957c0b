import type { Logger } from "../log/logger.ts";
import type { Implementation } from "../service/contract.ts";
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
   * Starts and ends plugins as a role wants it.
   *
   * @param role The new role.
   * @param remember Makes it durable; called when the role is known to be possible.
   */
  onRole(role: Role, remember: () => Promise<void>): Promise<void>;
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
  { data, memory, log, onJoined, onRole, onRemoved }: NodeServiceOptions,
): Implementation<typeof node> {
  let changing: Promise<unknown> = Promise.resolve();
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
      const changed = changing.then(async () => {
        const former = memory.file.role;
        if (former === role) return;
        log.info(`This node becomes a ${role}; it was a ${former}`);
        await onRole(role, () =>
          // Whatever it was founded with is not made again when it becomes a member another time.
          memory.update({ role, origin: "join", formerRole: former }));
      });
      changing = changed.catch(() => {});
      await changed;
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
