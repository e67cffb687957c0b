/**
 * Escapes what a terminal would act on, or what would change the order in which a line is read:
 * control characters, line ends of any kind, and marks of writing direction. What plugins and other
 * nodes say is shown to people who trust what they read.
 *
 * @param text Any text.
 * @returns One line that shows as what it is.
 */
export function clean(text: string): string {
  return text.replace(
    /[\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu,
    (character) => ESCAPES[character] ?? escape(character),
  );
}

const ESCAPES: Readonly<Record<string, string>> = {
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
};

function escape(character: string): string {
  const code = character.charCodeAt(0).toString(16);
  return code.length <= 2
    ? `\\x${code.padStart(2, "0")}`
    : `\\u${code.padStart(4, "0")}`;
}
