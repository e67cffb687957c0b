import type { z } from "zod";

/**
 * Says what is wrong with an input, for a person, in one line.
 *
 * @param error What its schema says.
 * @returns Each problem with where it is, such as `key: A key has at most 4096 characters`.
 */
export function inputProblem(error: z.ZodError): string {
  return error.issues.flatMap((issue) => problems(issue, [])).join("; ");
}

type Issue = z.ZodError["issues"][number];

function problems(issue: Issue, above: readonly PropertyKey[]): string[] {
  const path = [...above, ...issue.path];
  if (issue.code === "invalid_union") {
    // Of the forms it may have, the one it was most likely to be in.
    const [closest] = issue.errors.toSorted((a, b) => a.length - b.length);
    if (closest !== undefined) {
      return closest.flatMap((inner) => problems(inner, path));
    }
  }
  const text = issue.message;
  return [path.length === 0 ? text : `${path.map(String).join(".")}: ${text}`];
}
