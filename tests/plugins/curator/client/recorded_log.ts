import type { Logger } from "../../../../mod.ts";

/** A log that a test reads: `LEVEL MESSAGE` a line. */
export class RecordedLog implements Logger {
  readonly lines: string[] = [];
  #wake = Promise.withResolvers<void>();

  debug(message: string): void {
    this.#write(`debug ${message}`);
  }
  info(message: string): void {
    this.#write(`info ${message}`);
  }
  warn(message: string): void {
    this.#write(`warn ${message}`);
  }
  error(message: string): void {
    this.#write(`error ${message}`);
  }

  /** Waits for a line that fits, also an earlier one. */
  async until(pattern: RegExp): Promise<string> {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(
      () =>
        late.reject(
          new Error(`Waited in vain for ${pattern}: ${this.lines.join("\n")}`),
        ),
      20_000,
    );
    try {
      for (;;) {
        const found = this.lines.find((line) => pattern.test(line));
        if (found !== undefined) return found;
        await Promise.race([this.#wake.promise, late.promise]);
      }
    } finally {
      clearTimeout(timer);
    }
  }

  #write(line: string): void {
    this.lines.push(line);
    const wake = this.#wake;
    this.#wake = Promise.withResolvers();
    wake.resolve();
  }
}
