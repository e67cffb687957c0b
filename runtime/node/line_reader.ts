/** Characters of a line that are kept; what follows them is cut off. */
const MAX_LINE = 64 * 1024;

/**
 * Splits what a process writes into lines, at once as they come and never stopping for long ones.
 *
 * @param bytes What it writes, UTF-8.
 * @param onLine Told each line, without its end; one that is too long ends in `…`.
 * @param signal Ends it before the process closes its side.
 */
export async function readLines(
  bytes: ReadableStream<Uint8Array<ArrayBuffer>>,
  onLine: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  let line = "";
  let cut = false;
  const add = (text: string) => {
    const room = MAX_LINE - line.length;
    if (text.length > room) cut = true;
    line += text.slice(0, room);
  };
  const end = () => {
    onLine(cut ? `${line}…` : line);
    line = "";
    cut = false;
  };
  try {
    for await (
      const text of bytes.pipeThrough(new TextDecoderStream(), { signal })
    ) {
      const [first = "", ...more] = text.split("\n");
      add(first);
      for (const next of more) {
        end();
        add(next);
      }
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  if (line !== "") end();
}
