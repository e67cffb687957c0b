import {
  findNodeAtLocation,
  getNodeValue,
  type Node,
  type ParseError,
  parseTree,
  printParseErrorCode,
} from "jsonc-parser";
import { ManifestError } from "./errors.ts";

/** Keys and indexes from the root of the file to a value. */
export type JsonPath = readonly (string | number)[];

/** How much of a value at fault a message quotes. */
const QUOTED_LENGTH = 80;

/** The text of a `deno.json`, which knows where each of its values stands. */
export class ManifestSource {
  readonly #root: Node;
  /** Offset of the first character of each line. */
  readonly #lines: readonly number[];

  /**
   * @param text JSON with comments and trailing commas, as Deno reads it.
   * @param file Its path, for messages.
   * @throws {ManifestError} Where it is not such a text.
   */
  constructor(readonly text: string, readonly file: string) {
    this.#lines = [0, ...Array.from(text.matchAll(/\n/g), (m) => m.index + 1)];
    const errors: ParseError[] = [];
    const root = parseTree(text, errors, { allowTrailingComma: true });
    if (errors.length > 0 || root === undefined) {
      throw new ManifestError(errors.map(({ error, offset }) => {
        const what = printParseErrorCode(error).replaceAll(/\B[A-Z]/g, " $&");
        return `${
          this.#place(offset)
        }: Cannot read JSON: ${what.toLowerCase()}`;
      }));
    }
    this.#root = root;
  }

  /** @returns The value there; undefined where there is none. */
  value(path: JsonPath): unknown {
    const node = this.#find(path);
    return node === undefined ? undefined : getNodeValue(node);
  }

  /** @returns `FILE:LINE:COLUMN` of that value, or of the nearest one around it. */
  locate(path: JsonPath): string {
    for (let length = path.length;; length--) {
      const node = this.#find(path.slice(0, length));
      if (node !== undefined) return this.#place(node.offset);
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
    return `${this.locate(path)}: ${formatPath(path)} ${subject}: ${advice}`;
  }

  /**
   * One line for a person about a key that should not be there.
   *
   * @param path The object, then the key.
   * @param advice What would be right.
   */
  keyProblem(path: JsonPath, advice: string): string {
    const property = this.#find(path)?.parent;
    const place = property === undefined
      ? this.locate(path)
      : this.#place(property.offset);
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
    const visit = (node: Node, at: JsonPath) => {
      const seen = new Set<string>();
      for (const [index, child] of (node.children ?? []).entries()) {
        if (node.type === "array") visit(child, [...at, index]);
        const [key, value] = child.children ?? [];
        if (node.type !== "object" || value === undefined) continue;
        const name = String(key?.value);
        if (seen.has(name)) {
          const subject = formatPath([...at, name]);
          problems.push(
            `${
              this.#place(child.offset)
            }: ${subject} is there twice: Keep one of the two`,
          );
        }
        seen.add(name);
        visit(value, [...at, name]);
      }
    };
    const node = this.#find(path);
    if (node !== undefined) visit(node, path);
    return problems;
  }

  #find(path: JsonPath): Node | undefined {
    return findNodeAtLocation(this.#root, [...path]);
  }

  #place(offset: number): string {
    const line = this.#lines.findLastIndex((start) => start <= offset);
    const column = offset - (this.#lines[line] ?? 0) + 1;
    return `${this.file}:${line + 1}:${column}`;
  }
}

function quote(node: Node): string {
  const text = JSON.stringify(getNodeValue(node));
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
