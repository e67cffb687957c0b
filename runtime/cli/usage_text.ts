import {
  ArgumentParseError,
  FlagNotFoundError,
  UnexpectedPositionalError,
} from "@stricli/core";

/** How much of an argument a message quotes. */
const QUOTED_LENGTH = 80;

/**
 * Says what is wrong with a command's flags and arguments.
 *
 * @param error What the library made of them.
 * @returns For a person; a flag is written as it is typed.
 */
export function usageText(error: unknown): string {
  if (error instanceof FlagNotFoundError) {
    const flags = likely(error.input, error.corrections).map((name) =>
      `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
    );
    return `No flag registered for --${error.input}${didYouMean(flags)}`;
  }
  if (error instanceof UnexpectedPositionalError) {
    // The library takes a flag for one only where something follows the "=".
    const [, flag] = error.input.match(/^(--[a-z-]+)=$/) ?? [];
    if (flag !== undefined) return `Flag ${flag} has no value`;
  }
  if (
    error instanceof ArgumentParseError && error.input.length > QUOTED_LENGTH
  ) {
    const quoted = `${error.input.slice(0, QUOTED_LENGTH)}…`;
    return error.message.replace(error.input, () => quoted);
  }
  return error instanceof Error ? error.message : String(error);
}

/**
 * Says that there is no such command.
 *
 * @param found What was typed, and what the library proposes in its place, each in backticks.
 * @returns For a person.
 */
export function unknownCommandText(
  { input, corrections }: {
    readonly input: string;
    readonly corrections: readonly string[];
  },
): string {
  const commands = likely(input, corrections);
  return `No command registered for \`${input}\`${didYouMean(commands)}`;
}

/** The library's distance allows for anything of four letters; a slip seldom changes how a word begins. */
function likely(input: string, corrections: readonly string[]): string[] {
  const beginning = letters(input).slice(0, 2);
  return corrections.filter((name) =>
    beginning.includes(letters(name)[0] ?? "")
  );
}

function letters(text: string): string {
  return text.replaceAll(/[^a-z]/gi, "").toLowerCase();
}

function didYouMean(names: readonly string[]): string {
  return names.length === 0 ? "" : `, did you mean ${names.join(" or ")}?`;
}
