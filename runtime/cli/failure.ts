import { NoNodeError } from "../admin/errors.ts";
import { clean } from "../log/clean.ts";
import { StartError } from "../node/errors.ts";
import { ServiceError } from "../service/errors.ts";
import { UsageError } from "./errors.ts";

/**
 * The exit code of a command that threw: 2 where it was used wrongly or had nothing to talk to.
 *
 * @param error What it threw.
 * @returns 1 or 2.
 */
export function exitCodeOf(error: unknown): 1 | 2 {
  if (error instanceof StartError) return error.exitCode;
  if (error instanceof UsageError || error instanceof NoNodeError) return 2;
  return error instanceof ServiceError && error.code === "invalid-argument"
    ? 2
    : 1;
}

/**
 * What a person is told of it.
 *
 * @param error What a command threw.
 * @returns Its message; several lines where it has several, but nothing that a terminal acts on.
 */
export function failureText(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return `hamlet: ${message.split("\n").map(clean).join("\n")}`;
}
