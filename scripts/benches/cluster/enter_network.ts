/** See setns(2). */
const CLONE_NEWNET = 0x40000000;
/** See open(2). */
const O_RDONLY = 0;

/**
 * Opens this program's sockets in another network from now on: those of Deno's main thread, and of the processes that it
 * starts. The ones that are open stay where they are.
 *
 * @param pid A process in that network.
 * @throws {Error} If the kernel refuses it.
 */
export function enterNetwork(pid: number): void {
  const libc = Deno.dlopen("libc.so.6", {
    open: { parameters: ["buffer", "i32"], result: "i32" },
    setns: { parameters: ["i32", "i32"], result: "i32" },
    close: { parameters: ["i32"], result: "i32" },
  });
  const { open, setns, close } = libc.symbols;
  const path = new TextEncoder().encode(`/proc/${pid}/ns/net\0`);
  const file = open(path, O_RDONLY);
  const entered = file >= 0 && setns(file, CLONE_NEWNET) === 0;
  close(file);
  libc.close();
  if (!entered) throw new Error(`Cannot enter the network of process ${pid}`);
}
