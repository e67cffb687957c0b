import type { AdminClient } from "../../admin/client.ts";
import { ServiceError } from "../../service/errors.ts";
import { cluster, type Member } from "../../services/cluster.ts";
import { membership } from "../../services/membership.ts";
import type { CliContext } from "../context.ts";
import { CommandFailed, UsageError } from "../errors.ts";
import type { ClientFlags } from "../flags.ts";
import { openClient } from "../open_client.ts";
import { table } from "../table.ts";

/** Milliseconds until etcd, alone, must have elected itself. */
const ALONE = 60_000;

/** Makes this node the only member, after the majority of the members is lost for good. */
export default async function recover(
  this: CliContext,
  flags: ClientFlags & { readonly yes: boolean },
): Promise<void> {
  using client = openClient(flags);
  const { members: found } = await client.call(cluster, "members", {});
  if (found.some(({ leader }) => leader)) {
    throw new CommandFailed(
      "The cluster has a leader, so its majority is not lost; take single nodes out with `hamlet remove NODE`",
    );
  }
  const names = await namesOf(client);
  const nameOf = ({ name, id }: Member) => names.get(name) ?? (name || id);
  const members = found.toSorted((a, b) => nameOf(a) < nameOf(b) ? -1 : 1);
  const others = members.filter(({ self }) => !self);
  this.process.stderr.write(
    `This node goes on as the only member, with the data that it has:
${
      table(members.map((one) => [nameOf(one), ...restOf(one)])).map((line) =>
        `  ${line}`
      ).join("\n")
    }
What the others had acknowledged and this one had not heard of is lost. None of them may ever start again with its
data, or there are two clusters: empty their data folders first, with \`hamlet reset\`.
`,
  );
  if (!flags.yes && !this.confirm("Forget all other members?")) {
    throw new UsageError(
      "Nothing was changed: confirm at a terminal, or with --yes",
    );
  }
  await client.call(cluster, "recover", {});
  for await (const now of client.watchStatus(AbortSignal.timeout(ALONE))) {
    const [only, ...rest] = now.members;
    if (only?.leader && rest.length === 0) {
      this.process.stdout.write(
        [
          "This node is the only member now. Take the others out of the cluster, then invite members anew:",
          ...others.map((one) => `  hamlet remove ${nameOf(one)}`),
          "  hamlet invite --role member",
          "",
        ].join("\n"),
      );
      return;
    }
  }
  throw new CommandFailed(
    "etcd has not elected itself; `hamlet logs root.consensus` says why, and the command may be given again",
  );
}

/** The names of the nodes by their IDs, as far as the curator is there to tell them. */
async function namesOf(client: AdminClient): Promise<Map<string, string>> {
  try {
    const { nodes } = await client.call(membership, "nodes", {});
    return new Map(nodes.map(({ id, name }) => [id, name]));
  } catch (error) {
    if (error instanceof ServiceError) return new Map();
    throw error;
  }
}

function restOf({ peerURLs, self, reachable }: Member): string[] {
  return [
    peerURLs.join(" "),
    self ? "this node" : reachable ? "answers" : "does not answer",
  ];
}
