import { membership } from "../../services/membership.ts";
import type { CliContext } from "../context.ts";
import type { ClientFlags, JsonFlag } from "../flags.ts";
import { openClient } from "../open_client.ts";
import { type OperatorFlags, readOperator } from "../operator.ts";
import { showSteps } from "../show_steps.ts";

/** Takes a node out of the cluster for good. */
export default async function remove(
  this: CliContext,
  flags: ClientFlags & JsonFlag & OperatorFlags,
  node: string,
): Promise<void> {
  const operator = await readOperator(flags);
  using client = openClient(flags);
  const never = new AbortController().signal;
  const steps = client.stream(
    membership,
    "remove",
    { node, ...operator },
    never,
  );
  await showSteps(this, steps, flags.json);
}
