import type { z } from "zod";
import type { JsonPath, ManifestSource } from "./manifest_source.ts";
import { REPLACED_PERMISSIONS } from "./schema.ts";

/**
 * What does not fit the schema, for a person.
 *
 * @param source Where it stands.
 * @param error What zod says of the value at `path`.
 * @param path The value that was parsed.
 * @returns One line each.
 */
export function shapeProblems(
  source: ManifestSource,
  error: z.ZodError,
  path: JsonPath,
): string[] {
  return error.issues.flatMap((issue) => {
    // JSON has no symbols for keys.
    const at = [
      ...path,
      ...issue.path.filter((part) => typeof part !== "symbol"),
    ];
    switch (issue.code) {
      case "unrecognized_keys":
        return issue.keys.map((key) => {
          const instead = at.at(-1) === "permissions"
            ? REPLACED_PERMISSIONS.get(key)
            : undefined;
          return source.keyProblem([...at, key], instead ?? issue.message);
        });
      case "invalid_key":
        return issue.issues.map(({ message }) =>
          source.keyProblem(at, message)
        );
      default:
        return [source.problem(at, issue.message)];
    }
  });
}
