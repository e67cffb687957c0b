import type * as v from "valibot";

type Issue = v.BaseIssue<unknown>;

/** An issue, and where it is from the input on. */
interface Placed {
  readonly issue: Issue;
  readonly path: readonly v.IssuePathItem[];
}

/**
 * Says what is wrong with an input, for a person, in one line.
 *
 * @param issues What its schema says.
 * @returns Each problem with where it is, such as `key: A key has at most 4096 characters`.
 */
export function inputProblem(issues: readonly Issue[]): string {
  const problems = issues.flatMap((issue) => placed(issue, [])).map(
    ({ issue, path }) => {
      const text = wording(issue);
      return path.length === 0
        ? text
        : `${path.map(({ key }) => String(key)).join(".")}: ${text}`;
    },
  );
  return [...new Set(problems)].join("; ");
}

/** Of an input that may have several forms, what is wrong in the one that it was most likely to be in. */
function placed(issue: Issue, above: Placed["path"]): Placed[] {
  const path = [...above, ...issue.path ?? []];
  const inner = (issue.type === "union" ? issue.issues ?? [] : [])
    .flatMap((one) => placed(one, path));
  const closest = Math.max(...inner.map(closeness));
  return inner.some((one) => one.path.length > path.length)
    ? inner.filter((one) => closeness(one) === closest)
    : [{ issue, path }];
}

/** What goes wrong far inside was right until there, and a wrong value stands under a key that is known. */
function closeness({ path }: Placed): number {
  return 2 * path.length + (path.at(-1)?.origin === "key" ? 0 : 1);
}

/** What valibot says of keys by default is about the key as a value. */
function wording({ message, expected }: Issue): string {
  if (!message.startsWith("Invalid key: ")) return message;
  return expected === "never" ? "It is not known" : "It is missing";
}
