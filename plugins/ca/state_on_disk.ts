import { FatalError, ifThere, writeFileAtomic } from "hamlet";
import {
  createPending,
  type Pending,
  readPending,
  writePending,
} from "./pending.ts";
import { createSealKey, SEAL_KEY_BYTES } from "./seal.ts";

/** What the authorities' folder says about them. */
export type StateOnDisk =
  /** They are not in etcd yet, as far as this node knows. */
  | { readonly kind: "pending"; readonly pending: Pending }
  /** They are in etcd; this node holds the key of their seals. */
  | { readonly kind: "committed"; readonly sealKey: Uint8Array<ArrayBuffer> };

/** The files of the authorities' folder. */
export interface StateFiles {
  /** Both authorities, until they are in etcd. */
  readonly pending: string;
  /** What opens their private keys; once it is there, they may have been handed out. */
  readonly sealKey: string;
}

/**
 * Finds out where a start has to go on, or makes the authorities of a new cluster: first written as
 * pending, then with their seal key, so that a crash in between leaves what nobody has seen.
 *
 * @param files Where they are.
 * @param missing What takes the place of a seal key that is not there: one of authorities made anew, nothing, or that
 * of the cluster which the node joins, as this gets it.
 * @returns Where the authorities are.
 * @throws {FatalError} If the files cannot be used, or are missing where none may be made.
 */
export async function openState(
  files: StateFiles,
  missing: "make" | "lost" | (() => Promise<Uint8Array<ArrayBuffer>>),
): Promise<StateOnDisk> {
  const sealKey = await readIfThere(files.sealKey);
  const pending = await readIfThere(files.pending);
  if (sealKey && sealKey.length !== SEAL_KEY_BYTES) {
    throw new FatalError(
      `Cannot use the seal key in "${files.sealKey}": it has ${sealKey.length} bytes, not ${SEAL_KEY_BYTES}; copy the file from another member, or from a backup`,
    );
  }
  if (sealKey && pending) {
    try {
      const text = new TextDecoder().decode(pending);
      return { kind: "pending", pending: await readPending(text, sealKey) };
    } catch (cause) {
      throw new FatalError(
        `Cannot read the authorities in "${files.pending}" with the seal key in "${files.sealKey}": restore both files, or start a new cluster with an empty data folder`,
        { cause },
      );
    }
  }
  if (sealKey) return { kind: "committed", sealKey };
  if (missing === "make") {
    return { kind: "pending", pending: await createState(files) };
  }
  if (missing === "lost") {
    throw new FatalError(
      `Cannot open the cluster's authorities without their seal key: copy "${files.sealKey}" from another member, or from a backup`,
    );
  }
  const fetched = await missing();
  await writeFileAtomic(files.sealKey, fetched);
  return { kind: "committed", sealKey: fetched };
}

async function createState(files: StateFiles): Promise<Pending> {
  const sealKey = createSealKey();
  const pending = await createPending(sealKey);
  await writePending(files.pending, pending);
  await writeFileAtomic(files.sealKey, sealKey);
  return pending;
}

async function readIfThere(
  path: string,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  try {
    return await ifThere(Deno.readFile(path));
  } catch (error) {
    if (!(error instanceof Deno.errors.IsADirectory)) throw error;
    throw new FatalError(
      `Cannot read "${path}": it is a folder, and a file belongs there; restore the file from a backup`,
      { cause: error },
    );
  }
}
