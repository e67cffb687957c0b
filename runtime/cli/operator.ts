import type { FlagParametersForType } from "@stricli/core";
import type { OperatorCredentials } from "../services/membership.ts";
import type { CliContext } from "./context.ts";
import { UsageError } from "./errors.ts";
import { path } from "./flags.ts";

/** As whom a command asks a member, from whatever node. */
export interface OperatorFlags {
  readonly cert?: string;
  readonly key?: string;
}

/** Flags of every command that changes the cluster. */
export const operatorFlags: FlagParametersForType<OperatorFlags, CliContext> = {
  cert: {
    kind: "parsed",
    parse: path,
    optional: true,
    placeholder: "file",
    brief:
      "An operator's certificate, to have a member do it; needed on a worker",
  },
  key: {
    kind: "parsed",
    parse: path,
    optional: true,
    placeholder: "file",
    brief: "Its private key",
  },
};

/**
 * Reads as whom a command asks.
 *
 * @param flags What the operator gave.
 * @returns What the service takes.
 * @throws {UsageError} If it is half of it, or cannot be read.
 */
export async function readOperator(
  { cert, key }: OperatorFlags,
): Promise<{ operator?: OperatorCredentials }> {
  if (cert === undefined && key === undefined) return {};
  if (cert === undefined || key === undefined) {
    throw new UsageError("Give both --cert and --key, or neither");
  }
  return { operator: { certificate: await read(cert), key: await read(key) } };
}

async function read(file: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await Deno.readFile(file);
  } catch (cause) {
    throw new UsageError(
      `Cannot read "${file}": ${
        cause instanceof Deno.errors.NotFound
          ? "there is no such file"
          : cause instanceof Error
          ? cause.message
          : cause
      }`,
      { cause },
    );
  }
}
