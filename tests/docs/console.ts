/** A command of a document, with what the document says comes of it. */
export interface Step {
  /** The line of the document that it is in, from 1. */
  readonly line: number;
  /** The machine that the prompt names, as in `alpha$ hamlet status`. */
  readonly machine?: string;
  /** What is typed; `^C` stands for Ctrl-C in the terminal of the node that runs. */
  readonly command: string;
  /** What it writes, without the last newline. */
  readonly output: string;
}

/**
 * Finds the commands of a document: those in its blocks marked `console`, after a `$`, or after a `>` where they go on.
 * What the document does not say but has to happen is in comments like `<!-- test: gamma dies -->`.
 *
 * @param markdown The document.
 * @returns The commands in order.
 * @throws {SyntaxError} If a block does not begin with a command.
 */
export function consoleSteps(markdown: string): Step[] {
  const steps: Step[] = [];
  let inside = false;
  let current: Omit<Step, "output"> & { output: string[] } | undefined;
  const end = () => {
    if (current === undefined) return;
    steps.push({ ...current, output: current.output.join("\n") });
    current = undefined;
  };
  for (const [index, text] of markdown.split("\n").entries()) {
    const line = index + 1;
    const [, machine, typed] = /^([a-z]*)(?:\$ |(?=\^C$))(.*)$/.exec(text) ??
      [];
    if (!inside) {
      const [, command] = /^<!-- test: (.*) -->$/.exec(text) ?? [];
      if (command !== undefined) steps.push({ line, command, output: "" });
      inside = text === "```console";
    } else if (text === "```") {
      end();
      inside = false;
    } else if (typed !== undefined) {
      end();
      current = {
        line,
        ...machine && { machine },
        command: typed,
        output: [],
      };
    } else if (current === undefined) {
      throw new SyntaxError(`Line ${line} is the output of no command`);
    } else if (text.startsWith("> ") && current.output.length === 0) {
      current = { ...current, command: `${current.command}\n${text.slice(2)}` };
    } else {
      current.output.push(text);
    }
  }
  return steps;
}

/**
 * Takes out of a text what is different each time.
 *
 * @param text What a command wrote, or a document says that it does.
 * @returns The text with names in the place of times, numbers and paths, and single spaces.
 */
export function mask(text: string): string {
  return text
    .replaceAll(/\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d\.\d{3}Z?/g, "TIME")
    .replaceAll(/\b[0-9a-f]{12,40}\b/g, "HEX")
    .replaceAll(/\b\d+\.\d+\.\d+\.\d+:\d+\b/g, "ADDRESS:PORT")
    .replaceAll(/\b3\.\d+\.\d+\b/g, "VERSION")
    .replaceAll(/\b\d+\.\d s\b/g, "SECONDS")
    .replaceAll(/\b\d+[smhd]\b/g, "AGE")
    // Which of the two ends notices first differs, and with it the number and the words.
    .replaceAll(/curl: \(\d+\) .*/g, "curl: REFUSED")
    .replaceAll(/[ \t]+/g, " ")
    .replaceAll(/ $/gm, "");
}
