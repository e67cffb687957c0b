import { isDeepStrictEqual, stripVTControlCharacters } from "node:util";

/** Lines that stay below everything else that is written to a terminal, and change in place. */
export class Screen {
  readonly #write: (text: string) => void;
  readonly #size: () => TerminalSize;
  #block: readonly string[] = [];

  /**
   * @param write Takes what goes to the terminal.
   * @param size Says how large it is. @default that of the process's terminal
   */
  constructor(
    write: (text: string) => void,
    size: () => TerminalSize = terminalSize,
  ) {
    this.#write = write;
    this.#size = size;
  }

  /** Writes lines above the block. */
  write(text: string): void {
    this.#write(`${this.#erasing()}${text}${this.#drawing()}`);
  }

  /**
   * Replaces the block.
   *
   * @param lines Its lines; what is too long or too many for the terminal is cut.
   */
  show(lines: readonly string[]): void {
    const block = lines.length === 0 ? [] : fit(lines, this.#size());
    if (isDeepStrictEqual(block, this.#block)) return;
    const erasing = this.#erasing();
    this.#block = block;
    this.#write(erasing + this.#drawing());
  }

  #erasing(): string {
    // To the beginning of the line that many lines up, then everything below is erased.
    return this.#block.length === 0 ? "" : `\x1b[${this.#block.length}F\x1b[J`;
  }

  #drawing(): string {
    return this.#block.map((line) => `${line}\n`).join("");
  }
}

/** A terminal's size in characters. */
export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** One that does not know its size says 0, one that is gone nothing. */
function terminalSize(): TerminalSize {
  try {
    const { columns, rows } = Deno.consoleSize();
    return { columns: columns || Infinity, rows: rows || Infinity };
  } catch {
    return { columns: Infinity, rows: Infinity };
  }
}

/**
 * Cuts lines to what can be erased again: one that wraps would be two, and what has left the screen
 * at its top cannot be reached. The last row is the cursor's.
 */
function fit(
  lines: readonly string[],
  { columns, rows }: TerminalSize,
): string[] {
  const shown = lines.length < rows ? lines : [
    ...lines.slice(0, Math.max(0, rows - 2)),
    `… ${lines.length - rows + 2} more lines`,
  ];
  return shown.map((line) => {
    // Cutting a line takes its colors too.
    const plain = [...stripVTControlCharacters(line)];
    return plain.length <= columns
      ? line
      : `${plain.slice(0, columns - 1).join("")}…`;
  });
}
