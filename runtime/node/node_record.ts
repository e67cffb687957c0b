import type { NodeSettings } from "./settings.ts";
import { StartError } from "./errors.ts";
import type { DataState } from "./folders.ts";
import { generateIdentity, type Identity, readIdentity } from "./identity.ts";
import type { Role } from "../services/nodes.ts";
import { readJoinToken, roleOfToken } from "./join_token.ts";
import { type NodeFile, readNodeFile } from "./node_file.ts";

/** Who a node is: as it was found, or as it is going to be. */
export interface NodeRecord {
  readonly identity: Identity;
  readonly origin: NodeFile["origin"];
  readonly role: Role;
  /** What to join with, where the operator gave it now and it is not remembered yet. */
  readonly joinToken?: string;
  /** What the node remembers; undefined where this start makes it. */
  readonly file: NodeFile | undefined;
}

/**
 * Finds out who the node is, and whether it may be started like this. Changes nothing.
 *
 * A start that made a node may be repeated word for word until the node has been ready once: whoever is told to start
 * it again after a crash, such as an init system, knows no other words.
 *
 * @param data The data folder.
 * @param state What is in it.
 * @param settings What the command line says.
 * @returns The node.
 * @throws {StartError} If the data is damaged, or a node is to be made where one is, or none where none is.
 */
export async function findNode(
  data: string,
  state: DataState,
  { dev = false, origin, joinToken }: Pick<
    NodeSettings,
    "dev" | "origin" | "joinToken"
  >,
): Promise<NodeRecord> {
  if (state === "node") {
    const file = await readNodeFile(data);
    const identity = await readIdentity(data);
    if (identity.id !== file.id) {
      throw new StartError(
        1,
        `Cannot use data folder "${data}": it is node "${file.id}", and its identity/key.pem is that of ` +
          `"${identity.id}"; restore the key from a backup of this node`,
      );
    }
    if (origin !== undefined && (file.established || origin !== file.origin)) {
      throw new StartError(
        2,
        `Data folder "${data}" has a node already, "${file.id}": start it without ${
          flags[origin]
        }, or choose an empty ` +
          `folder with --data-dir`,
      );
    }
    if (file.removed !== undefined) {
      throw new StartError(
        2,
        `Cannot start node "${file.id}": the cluster has removed it (${file.removed}); to use the machine again, empty ` +
          `data folder "${data}" with \`hamlet reset\` and join the cluster with a new invitation`,
      );
    }
    const { origin: made, role } = file;
    // A start that is repeated word for word has the token still, also once it is of no more use.
    if (joinToken === undefined || await hasJoined(data)) {
      return { identity, origin: made, role, file };
    }
    return {
      identity,
      origin: made,
      role: roleOfToken(joinToken),
      joinToken,
      file,
    };
  }
  const made = origin ?? (dev ? "new-cluster" : undefined);
  if (made === undefined) {
    throw new StartError(
      2,
      `Data folder "${data}" is empty: start a new cluster with --new-cluster, or join one with --join, which a node never does by itself`,
    );
  }
  if ((made === "join") !== (joinToken !== undefined)) {
    throw new StartError(
      2,
      `Cannot join a cluster without a token, nor start a new one with it: print one with \`hamlet invite\` on a member`,
    );
  }
  const identity = state === "interrupted"
    ? await readIdentity(data)
    : await generateIdentity();
  const role = joinToken === undefined ? "member" : roleOfToken(joinToken);
  return {
    identity,
    origin: made,
    role,
    ...(joinToken === undefined ? {} : { joinToken }),
    file: undefined,
  };
}

/** Whether the node has its certificate, which it joined for, and has forgotten the token. */
async function hasJoined(data: string): Promise<boolean> {
  try {
    await Deno.stat(`${data}/identity/cert.pem`);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
  return await readJoinToken(data) === undefined;
}

const flags = { "new-cluster": "--new-cluster", "join": "--join" };
