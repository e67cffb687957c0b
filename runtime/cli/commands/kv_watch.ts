import { encodeJson } from "../../admin/json.ts";
import { clean } from "../../log/clean.ts";
import { kv } from "../../services/kv.ts";
import type { CliContext } from "../context.ts";
import type { ClientFlags, JsonFlag } from "../flags.ts";
import { keyValueText } from "../key_value_text.ts";
import { openClient } from "../open_client.ts";

/** Shows what is there, then every change. */
export default async function watch(
  this: CliContext,
  flags: ClientFlags & JsonFlag & { readonly prefix: boolean },
  key: string,
): Promise<void> {
  using client = openClient(flags);
  const items = client.stream(
    kv,
    "watch",
    flags.prefix ? { prefix: key } : { key },
    this.interrupted(),
  );
  const write = (text: string) => this.process.stdout.write(text);
  for await (const item of items) {
    if (flags.json) {
      write(`${encodeJson(item)}\n`);
    } else if (item.kind === "snapshot") {
      for (const found of item.kvs) write(`= ${keyValueText(found)}`);
    } else {
      for (const event of item.events) {
        write(
          event.kind === "put"
            ? `+ ${keyValueText(event.kv)}`
            : `- ${clean(event.key)}\n`,
        );
      }
    }
  }
}
