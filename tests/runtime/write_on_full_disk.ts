// Run by atomic_file_test.ts with a folder on a disk of 64 KiB: writes more than that, and tells what is left.
import { writeFileAtomic } from "../../runtime/atomic_file.ts";

const [folder = ""] = Deno.args;
const path = `${folder}/file`;
await writeFileAtomic(path, "old");
let error: unknown;
try {
  await writeFileAtomic(path, new Uint8Array(1024 * 1024));
} catch (thrown) {
  error = thrown;
}
const names = (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) =>
  name
);
// deno-lint-ignore no-console -- what the test reads
console.log(JSON.stringify({
  error: error instanceof Error ? error.message : "none",
  names,
  content: await Deno.readTextFile(path),
}));
