/**
 * Says why a file that belongs to a node, or was named by its operator, could not be read.
 *
 * @param error What reading it threw.
 * @returns The reason, to follow `Cannot read "…": `.
 */
export function whyUnreadable(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "there is none";
  if (error instanceof Deno.errors.IsADirectory) {
    return "it is a folder, and a file belongs there";
  }
  if (error instanceof Deno.errors.PermissionDenied) {
    return `user ${Deno.uid()} may not read it`;
  }
  return error instanceof Error ? error.message : String(error);
}
