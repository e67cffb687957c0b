import { Code, RpcError } from "../grpc/rpc_error.ts";

const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const NODE_ID = /^hamlet-[0-9a-f]{32}$/;

/**
 * Tells whether a text is a node ID.
 *
 * @param text Any text.
 * @returns Whether it has the form of one.
 */
export function isNodeId(text: string): boolean {
  return NODE_ID.test(text);
}

/**
 * Refuses a name that would mislead: hosts files send names to addresses.
 *
 * @param name What the node wants to be called.
 * @param id Its node ID, which it may always be called.
 * @throws {RpcError} `bad-name`
 */
export function checkName(name: string, id: string): void {
  const problem = !LABEL.test(name)
    ? "a name is one DNS label, 1 to 63 of a to z, 0 to 9 and inner hyphens"
    : name === "localhost"
    ? "every machine calls itself so"
    : NODE_ID.test(name) && name !== id
    ? "it is the ID of another node"
    : undefined;
  if (problem === undefined) return;
  throw new RpcError(
    Code.INVALID_ARGUMENT,
    `No node can be called "${name}": ${problem}; choose another with --name`,
    "bad-name",
  );
}
