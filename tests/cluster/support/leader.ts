import type { Host } from "./host.ts";
import { until } from "./until.ts";

/** Tells the leader from the other members, as soon as there is one. */
export async function leaderOf(hosts: readonly Host[]): Promise<Host> {
  const leaders: Host[] = [];
  await until("somebody leads", async () => {
    for (const host of hosts) {
      const { members } = await host.client.status();
      if (members.some(({ self, leader }) => self && leader)) {
        leaders.push(host);
      }
    }
    return leaders.length > 0;
  });
  const [leader] = leaders;
  if (leader === undefined) throw new Error("Nobody leads");
  return leader;
}
