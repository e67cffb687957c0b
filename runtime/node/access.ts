/** What access(2) is asked for: to read, to write, to enter. */
const READ_WRITE_ENTER = 4 | 2 | 1;

/**
 * Asks the kernel whether this process may read, change and enter a folder, with its capabilities, mounts and all:
 * what `node:fs` has under that name only looks at the mode.
 *
 * @param path The folder.
 * @returns Whether it may.
 */
export function mayUseFolder(path: string): boolean {
  const libc = Deno.dlopen("libc.so.6", {
    access: { parameters: ["buffer", "i32"], result: "i32" },
  });
  try {
    return libc.symbols.access(
      new TextEncoder().encode(`${path}\0`),
      READ_WRITE_ENTER,
    ) === 0;
  } finally {
    libc.close();
  }
}
