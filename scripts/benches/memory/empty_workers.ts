/** Deno with as many Workers as its argument says, in which nothing is loaded: below that no node with as many plugins gets. */
const source = "onmessage = () => {}; postMessage(0);";
const url = `data:text/javascript,${encodeURIComponent(source)}`;
await Promise.all(
  Array.from({ length: Number(Deno.args[0]) }, () => {
    const worker = new Worker(url, { type: "module" });
    return new Promise((resolve) => worker.onmessage = resolve);
  }),
);
// So says it that they are there, and ends when nobody listens any more.
await Deno.stdout.write(new TextEncoder().encode("there\n"));
await Deno.stdin.read(new Uint8Array(1));
Deno.exit();
