import type * as v from "valibot";
import type { JsonPath, ManifestSource } from "./manifest_source.ts";

/**
 * What does not fit the schema, for a person.
 *
 * @param source Where it stands.
 * @param issues What its schema says of the value at `path`.
 * @param path The value that was parsed.
 * @returns One line each.
 */
export function shapeProblems(
  source: ManifestSource,
  issues: readonly v.BaseIssue<unknown>[],
  path: JsonPath,
): string[] {
  return issues.map((issue) => {
    const at = [...path, ...(issue.path ?? []).map(({ key }) => keyOf(key))];
    // Nothing fits a key that is not known.
    return issue.type === "never"
      ? source.keyProblem(at, issue.message)
      : source.problem(at, issue.message);
  });
}

/** Of what comes out of JSON, a key is one of the two. */
function keyOf(key: unknown): string | number {
  return typeof key === "number" ? key : String(key);
}
