import { NoNodeError } from "../../admin/errors.ts";
import { encodeJson } from "../../admin/json.ts";
import { wantsColor } from "../../log/color.ts";
import type { NodeStatus } from "../../status.ts";
import type { CliContext } from "../context.ts";
import type { ClientFlags, JsonFlag } from "../flags.ts";
import { openClient } from "../open_client.ts";
import { Screen } from "../screen.ts";
import { statusText } from "../status_text.ts";

/** Shows how the node is doing, once or at every change. */
export default async function status(
  this: CliContext,
  flags: ClientFlags & JsonFlag & { readonly watch: boolean },
): Promise<void> {
  using client = openClient(flags);
  const write = (text: string) => this.process.stdout.write(text);
  const textOf = (status: NodeStatus) =>
    flags.json ? [encodeJson(status)] : statusText(status, {
      color: wantsColor(Deno.stdout),
      now: Date.now(),
    });
  if (flags.watch) {
    const screen = new Screen(write);
    const redraws = !flags.json && Deno.stdout.isTerminal();
    const interrupted = this.interrupted();
    let last: NodeStatus | undefined;
    for await (last of client.watchStatus(interrupted)) {
      const lines = textOf(last);
      if (redraws) screen.show(lines);
      else write(`${[...lines, ...(flags.json ? [] : [""])].join("\n")}\n`);
    }
    if (!interrupted.aborted) throw new NoNodeError("The node ended");
    this.process.exitCode = last?.ready ? 0 : 1;
    return;
  }
  const last = await client.status();
  write(`${textOf(last).join("\n")}\n`);
  this.process.exitCode = last.ready ? 0 : 1;
}
