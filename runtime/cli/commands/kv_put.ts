import { encodeJson } from "../../admin/json.ts";
import { kv, MAX_VALUE_BYTES } from "../../services/kv.ts";
import type { CliContext } from "../context.ts";
import { UsageError } from "../errors.ts";
import type { ClientFlags, JsonFlag } from "../flags.ts";
import { openClient } from "../open_client.ts";

/** Sets the value of a key, from the command line or standard input. */
export default async function put(
  this: CliContext,
  flags: ClientFlags & JsonFlag,
  key: string,
  text: string,
): Promise<void> {
  using client = openClient(flags);
  const value = text === "-"
    ? await readInput()
    : new TextEncoder().encode(text);
  if (value.length > MAX_VALUE_BYTES) {
    throw new UsageError(
      `Cannot put a value of more than ${MAX_VALUE_BYTES} bytes`,
    );
  }
  const answer = await client.call(kv, "put", { key, value });
  if (flags.json) this.process.stdout.write(`${encodeJson(answer)}\n`);
}

/** No more than is needed to see that it is too much. */
async function readInput(): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  for await (const chunk of Deno.stdin.readable) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > MAX_VALUE_BYTES) break;
  }
  return new Blob(chunks).bytes();
}
