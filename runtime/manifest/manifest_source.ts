import {
  type DocumentNode,
  evaluate,
  type MemberNode,
  parse,
  type ValueNode,
} from "@humanwhocodes/momoa";
import { ManifestError } from "./errors.ts";

/** Keys and indexes from the root of the file to a value. */
export type JsonPath = readonly (string | number)[];

/** How much of a value at fault a message quotes. */
const QUOTED_LENGTH = 80;

/** The text of a `deno.json`, which knows where each of its values stands. */
export class ManifestSource {
  readonly #root: ValueNode;

  /**
   * @param text JSON with comments and trailing commas, as Deno reads it.
   * @param file Its path, for messages.
   * @throws {ManifestError} Where it is not such a text.
   */
  constructor(readonly text: string, readonly file: string) {
    this.#root = this.#parse().body;
  }

  /** @returns The value there; undefined where there is none. */
  value(path: JsonPath): unknown {
    const node = this.#find(path);
    return node === undefined ? undefined : evaluate(node);
  }

  /** @returns `FILE:LINE:COLUMN` of that value, or of the nearest one around it. */
  locate(path: JsonPath): string {
    for (let length = path.length;; length--) {
      const node = this.#find(path.slice(0, length));
      if (node !== undefined) return this.#place(node);
    }
  }

  /**
   * One line for a person about a value that is not right.
   *
   * @param path The value, or where it is missing.
   * @param advice What would be right.
   */
  problem(path: JsonPath, advice: string): string {
    const node = this.#find(path);
    const subject = node === undefined ? "is missing" : `is ${quote(node)}`;
    // The file as a whole has no name.
    const what = path.length === 0 ? "all of it" : formatPath(path);
    return `${this.locate(path)}: ${what} ${subject}: ${advice}`;
  }

  /**
   * One line for a person about a key that should not be there.
   *
   * @param path The object, then the key.
   * @param advice What would be right.
   */
  keyProblem(path: JsonPath, advice: string): string {
    const member = this.#member(path);
    const place = member === undefined
      ? this.locate(path)
      : this.#place(member);
    return `${place}: ${formatPath(path)} is not known: ${advice}`;
  }

  /**
   * Keys that stand twice in one object, where JSON takes the last and a reader the first.
   *
   * @param path The value to look through.
   * @returns One line each, for a person.
   */
  duplicateKeys(path: JsonPath): string[] {
    const problems: string[] = [];
    const visit = (node: ValueNode, at: JsonPath) => {
      if (node.type === "Array") {
        for (const [index, { value }] of node.elements.entries()) {
          visit(value, [...at, index]);
        }
      }
      if (node.type !== "Object") return;
      const seen = new Set<string>();
      for (const member of node.members) {
        const name = nameOf(member);
        if (seen.has(name)) {
          const subject = formatPath([...at, name]);
          problems.push(
            `${
              this.#place(member)
            }: ${subject} is there twice: Keep one of the two`,
          );
        }
        seen.add(name);
        visit(member.value, [...at, name]);
      }
    };
    const node = this.#find(path);
    if (node !== undefined) visit(node, path);
    return problems;
  }

  #parse(): DocumentNode {
    try {
      return parse(this.text, { mode: "jsonc", allowTrailingCommas: true });
    } catch (cause) {
      if (!isSyntaxError(cause)) throw cause;
      // "Unexpected token String found. (1:2)": the place stands before every message.
      const what = cause.message.replace(/\.? \(\d+:\d+\)$/, "")
        .replace(/^U/, "u");
      throw new ManifestError([
        `${this.file}:${cause.line}:${cause.column}: Cannot read JSON: ${what}`,
      ]);
    }
  }

  #find(path: JsonPath): ValueNode | undefined {
    let node: ValueNode | undefined = this.#root;
    for (const part of path) {
      node = node && child(node, part)?.value;
    }
    return node;
  }

  #member(path: JsonPath): Located | undefined {
    const last = path.at(-1);
    const around = this.#find(path.slice(0, -1));
    return last === undefined || around === undefined
      ? undefined
      : child(around, last);
  }

  #place({ loc: { start } }: Located): string {
    return `${this.file}:${start.line}:${start.column}`;
  }
}

/** Anything with a place in the text. */
type Located = Pick<ValueNode, "loc">;

/** The member or element of that name or index; of members with the same name the first. */
function child(node: ValueNode, part: string | number) {
  if (node.type === "Array") return node.elements[Number(part)];
  if (node.type !== "Object") return undefined;
  return node.members.find((member) => nameOf(member) === part);
}

function nameOf({ name }: MemberNode): string {
  return name.type === "String" ? name.value : name.name;
}

/** Whether it is what the parser throws of a text that it cannot read. */
function isSyntaxError(
  error: unknown,
): error is Error & { readonly line: number; readonly column: number } {
  return error instanceof Error && "line" in error && "column" in error;
}

function quote(node: ValueNode): string {
  const text = JSON.stringify(evaluate(node));
  return text.length <= QUOTED_LENGTH
    ? text
    : `${text.slice(0, QUOTED_LENGTH)}…`;
}

/**
 * Writes a path as a person would: `plugins.ca.uses.kv.scope.keys[0]`.
 *
 * @param path The path.
 */
export function formatPath(path: JsonPath): string {
  return path.map((part, index) => {
    if (typeof part === "number") return `[${part}]`;
    if (!/^[A-Za-z_][\w-]*$/.test(part)) return `[${JSON.stringify(part)}]`;
    return index === 0 ? part : `.${part}`;
  }).join("");
}
