// deno-lint-ignore-file no-console -- tells the test that started it

/** Examines the folders it is given and says what came of it, to be run with other rights and other file systems. */
import {
  examineFolders,
  resolveFolders,
} from "../../../runtime/node/folders.ts";

const [data = "", run = ""] = Deno.args;
try {
  console.log(await examineFolders(await resolveFolders(data, run)));
} catch (error) {
  console.log(error instanceof Error ? error.message : error);
}
