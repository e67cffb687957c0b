import * as v from "valibot";
import { removeFileDurably, writeFileAtomic } from "../atomic_file.ts";
import { Role } from "../services/nodes.ts";
import { StartError } from "./errors.ts";

/**
 * Reads what a node becomes with a join token; whether the token is a good one, only who joins with it can tell.
 *
 * @param token The token.
 * @returns The role.
 * @throws {StartError} If it is no token. It is not quoted, since it may hold a secret.
 */
export function roleOfToken(token: string): Role {
  const role = v.safeParse(Role, /^hamlet1\.([a-z]+)\./.exec(token)?.[1]);
  if (role.success) return role.output;
  if (token === "") {
    throw new StartError(
      2,
      "Cannot join without a token: what was given is empty; print one with `hamlet invite` on a member",
    );
  }
  throw new StartError(
    2,
    "Cannot join with this token: it is none that this Hamlet can read; print one with `hamlet invite` on a member",
  );
}

/**
 * Remembers the token that the operator gave, for its owner only, until the node has joined with it.
 *
 * @param data The data folder.
 * @param token The token.
 */
export async function writeJoinToken(
  data: string,
  token: string,
): Promise<void> {
  await writeFileAtomic(fileIn(data), token, { mode: 0o600 });
}

/**
 * Recalls the token.
 *
 * @param data The data folder.
 * @returns The token; undefined where none is remembered.
 */
export async function readJoinToken(data: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(fileIn(data));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/**
 * Forgets the token for good.
 *
 * @param data The data folder.
 */
export async function forgetJoinToken(data: string): Promise<void> {
  await removeFileDurably(fileIn(data));
}

function fileIn(data: string): string {
  return `${data}/identity/join.token`;
}
