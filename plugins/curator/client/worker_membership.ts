import { type Implementation, type membership, ServiceError } from "hamlet";
import type { AskMembersOptions } from "./ask_members.ts";
import { remoteMembership } from "./remote_membership.ts";

/**
 * Answers operators on a node that is no member: it shows the nodes, and changes nothing.
 *
 * @param options Whom to ask, and as who.
 * @returns The service.
 */
export function workerMembership(
  options: AskMembersOptions,
): Implementation<typeof membership> {
  return {
    invite: ({ role }) => refuse(`hamlet invite create --role ${role}`),
    invitations: () => refuse("hamlet invite list"),
    revokeInvitation: ({ id }) => refuse(`hamlet invite revoke ${id}`),
    remove: ({ node }) => refuse(`hamlet remove ${node}`),
    setRole: ({ node, role }) => refuse(`hamlet role ${node} ${role}`),

    async nodes(request, caller) {
      try {
        return await remoteMembership(undefined, options)
          .nodes(request, caller);
      } catch (error) {
        const cutOff = error instanceof ServiceError &&
          error.code === "unavailable";
        if (!cutOff) throw error;
        // What it remembers is better than nothing.
        return {
          nodes: options.known.nodes.map((node) => ({
            ...node,
            state: "not-seen" as const,
            self: node.id === options.id,
          })),
          current: false,
        };
      }
    },
  };
}

/** @param command What the operator gave. */
function refuse(command: string): never {
  throw new ServiceError(
    "failed-precondition",
    `This node is a worker, which changes nothing in its cluster by itself. Run the command on a member; or issue an operator's certificate there, bring its files here, and show it:
on a member:  hamlet cert issue NAME
here:         ${command} --cert NAME.pem --key NAME-key.pem`,
  );
}
