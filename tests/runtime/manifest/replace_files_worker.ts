/// <reference lib="deno.worker" />
/** Replaces the files that it is told, as a plugin would, and says when it has. */
import { writeFileAtomic } from "../../../runtime/atomic_file.ts";

self.onmessage = async ({ data: files }: MessageEvent<string[]>) => {
  for (const file of files) {
    await writeFileAtomic(file, "first");
    await writeFileAtomic(file, "second");
  }
  self.postMessage("done");
};
