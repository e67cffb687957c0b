import type { Implementation, membership, OperatorCredentials } from "hamlet";

/** What answers operators. */
type Membership = Implementation<typeof membership>;

/**
 * Answers operators by whatever answers them at that moment.
 *
 * @param local Finds what answers on this node, or says why there is nothing.
 * @param remote Makes what answers whoever shows an operator's certificate.
 * @returns The service.
 */
export function delegate(
  local: () => Membership,
  remote: (operator: OperatorCredentials) => Membership,
): Membership {
  const by = ({ operator }: { operator?: OperatorCredentials | undefined }) =>
    operator === undefined ? local() : remote(operator);
  return {
    invite: async (request, caller) =>
      await by(request).invite(request, caller),
    invitations: async (request, caller) =>
      await by(request).invitations(request, caller),
    revokeInvitation: async (request, caller) =>
      await by(request).revokeInvitation(request, caller),
    nodes: async (request, caller) => await local().nodes(request, caller),
    async *remove(request, caller) {
      yield* by(request).remove(request, caller);
    },
    async *setRole(request, caller) {
      yield* by(request).setRole(request, caller);
    },
  };
}
