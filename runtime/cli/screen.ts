import { isDeepStrictEqual, stripVTControlCharacters } from "node:util";

/** Lines that stay below everything else that is written to a terminal, and change in place. */
export class Screen {
  readonly #write: (text: string) => void;
  #block: readonly string[] = [];

  /**
   * @param write Takes what goes to the terminal.
   */
  constructor(write: (text: string) => void) {
    this.#write = write;
  }

  /** Writes lines above the block. */
  write(text: string): void {
    this.#write(`${this.#erasing()}${text}${this.#drawing()}`);
  }

  /**
   * Replaces the block.
   *
   * @param lines Its lines; one that is too long for the terminal is cut.
   */
  show(lines: readonly string[]): void {
    if (isDeepStrictEqual(lines, this.#block)) return;
    const erasing = this.#erasing();
    this.#block = lines;
    this.#write(erasing + this.#drawing());
  }

  #erasing(): string {
    // To the beginning of the line that many lines up, then everything below is erased.
    return this.#block.length === 0 ? "" : `\x1b[${this.#block.length}F\x1b[J`;
  }

  #drawing(): string {
    if (this.#block.length === 0) return "";
    const columns = terminalWidth();
    return this.#block.map((line) => `${fit(line, columns)}\n`).join("");
  }
}

/** One that does not know its width says 0, one that is gone nothing. */
function terminalWidth(): number {
  try {
    return Deno.consoleSize().columns || Infinity;
  } catch {
    return Infinity;
  }
}

/** A line that wraps would be two, and be erased as one. Cutting it takes its colors too. */
function fit(line: string, columns: number): string {
  const plain = stripVTControlCharacters(line);
  return [...plain].length <= columns
    ? line
    : `${[...plain].slice(0, columns - 1).join("")}…`;
}
