import { encodeJson } from "../../admin/json.ts";
import { kv } from "../../services/kv.ts";
import type { CliContext } from "../context.ts";
import type { ClientFlags, JsonFlag } from "../flags.ts";
import { openClient } from "../open_client.ts";

/** Deletes a key, or every key that starts with a prefix, and says how many those were. */
export default async function del(
  this: CliContext,
  flags: ClientFlags & JsonFlag & { readonly prefix: boolean },
  key: string,
): Promise<void> {
  using client = openClient(flags);
  const answer = await client.call(
    kv,
    "delete",
    flags.prefix ? { prefix: key } : { key },
  );
  this.process.stdout.write(
    flags.json ? `${encodeJson(answer)}\n` : `${answer.deleted} deleted\n`,
  );
}
