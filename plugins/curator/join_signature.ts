/** What stands before the signed bytes, so that no other signature of a node's key can be taken for this one. */
const CONTEXT = "hamlet join v1\0";

/**
 * Says what a node signs when it joins.
 *
 * @param proposal A `JoinProposal` as it is sent.
 * @returns The bytes.
 */
export function signedBytes(proposal: Uint8Array): Uint8Array<ArrayBuffer> {
  const context = new TextEncoder().encode(CONTEXT);
  const bytes = new Uint8Array(context.length + proposal.length);
  bytes.set(context);
  bytes.set(proposal, context.length);
  return bytes;
}
