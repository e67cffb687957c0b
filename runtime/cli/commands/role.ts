import { ServiceError } from "../../service/errors.ts";
import { membership } from "../../services/membership.ts";
import type { Role } from "../../services/nodes.ts";
import type { CliContext } from "../context.ts";
import { CommandFailed } from "../errors.ts";
import type { ClientFlags, JsonFlag } from "../flags.ts";
import { openClient } from "../open_client.ts";
import { type OperatorFlags, readOperator } from "../operator.ts";
import { showSteps } from "../show_steps.ts";

/** Milliseconds that this node may take to become what it is to be. */
const OWN_CHANGE = 60_000;

/** Makes a worker a member or a member a worker. */
export default async function role(
  this: CliContext,
  flags: ClientFlags & JsonFlag & OperatorFlags,
  node: string,
  wanted: Role,
): Promise<void> {
  const operator = await readOperator(flags);
  using client = openClient(flags);
  const { node: own } = await client.status();
  const never = new AbortController().signal;
  const steps = client.stream(
    membership,
    "setRole",
    { node, role: wanted, ...operator },
    never,
  );
  try {
    await showSteps(this, steps, flags.json);
  } catch (error) {
    const brokeOff = error instanceof CommandFailed ||
      error instanceof ServiceError && error.code === "unavailable";
    // What answers here starts anew when the change is this node's own.
    if (!brokeOff || node !== own.id && node !== own.name) throw error;
    for await (
      const status of client.watchStatus(AbortSignal.timeout(OWN_CHANGE))
    ) {
      if (status.node.role === wanted) return;
    }
    throw error;
  }
}
