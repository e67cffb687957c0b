import { encodeJson } from "../../admin/json.ts";
import { type KeyValue, kv } from "../../services/kv.ts";
import type { CliContext } from "../context.ts";
import { CommandFailed } from "../errors.ts";
import type { ClientFlags, JsonFlag } from "../flags.ts";
import { keyValueText } from "../key_value_text.ts";
import { openClient } from "../open_client.ts";

/** Keys of one request, so that no answer gets too large for memory. */
const PAGE = 64;

/** Writes the value of a key as it is, or the keys below a prefix. */
export default async function get(
  this: CliContext,
  flags: ClientFlags & JsonFlag & { readonly prefix: boolean },
  key: string,
): Promise<void> {
  using client = openClient(flags);
  const show = (found: KeyValue) => {
    if (flags.json) this.process.stdout.write(`${encodeJson(found)}\n`);
    else if (flags.prefix) this.process.stdout.write(keyValueText(found));
    else {
      this.writeBytes(found.value);
      // Only for a person: a program gets the value and nothing else.
      if (Deno.stdout.isTerminal()) this.process.stdout.write("\n");
    }
  };
  if (!flags.prefix) {
    const { kvs: [found] } = await client.call(kv, "range", { key });
    if (found === undefined) {
      throw new CommandFailed(`There is no key "${key}"`);
    }
    show(found);
    return;
  }
  let from: string | undefined;
  do {
    const { kvs, more } = await client.call(kv, "range", {
      prefix: key,
      limit: PAGE,
      ...(from !== undefined && { from }),
    });
    kvs.forEach(show);
    const last = kvs.at(-1);
    // The least key that comes after the last one.
    from = more && last !== undefined ? `${last.key}\0` : undefined;
  } while (from !== undefined);
}
