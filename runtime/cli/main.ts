/**
 * Hamlet's program.
 *
 * @module
 */
import { run } from "@stricli/core";
import { application } from "./application.ts";
import { createContext } from "./context.ts";

const context = createContext();
await run(application, Deno.args, context);
const code = Number(context.process.exitCode ?? 0);
if (code < 0) {
  // The library's own codes, for what it could not make out.
  context.process.stderr.write(
    "Try `hamlet help`, or a command's own --help\n",
  );
}
// Not left to the end of all that may still be open: connections, signal handlers.
Deno.exit(code < 0 ? 2 : code);
