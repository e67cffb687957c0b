import { examineReset, resetNode } from "../../node/reset.ts";
import type { CliContext } from "../context.ts";
import { UsageError } from "../errors.ts";
import type { NodeFlags } from "../flags.ts";
import { table } from "../table.ts";

/** Empties the data folder of a node that does not run. */
export default async function reset(
  this: CliContext,
  { yes, ...folders }: Pick<NodeFlags, "dataDir" | "runDir"> & {
    readonly yes: boolean;
  },
): Promise<void> {
  const found = await examineReset(folders);
  const { data, node, entries } = found;
  if (entries.length === 0) {
    this.process.stdout.write(`Data folder "${data}" is empty already\n`);
    return;
  }
  this.process.stderr.write(
    [
      `All of data folder "${data}" goes, for good: ${entries.join(", ")}`,
      ...node === undefined ? [] : table([
        ["  node", `${node.name ?? node.id} (${node.id})`],
        ["  role", node.role],
        [
          "  cluster",
          node.removed === undefined
            ? "still counts it in, unless another node has said `hamlet remove`: do that first"
            : `has removed it: ${node.removed}`,
        ],
      ]),
      "",
    ].join("\n"),
  );
  if (!yes && !this.confirm("Remove all that?")) {
    throw new UsageError(
      "Nothing was removed: confirm at a terminal, or with --yes",
    );
  }
  await resetNode(found);
  this.process.stdout.write(
    `Data folder "${data}" is empty; the machine can join a cluster with a new invitation\n`,
  );
}
