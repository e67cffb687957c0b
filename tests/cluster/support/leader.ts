import type { Host } from "./host.ts";

/** Tells the leader from the other members. */
export async function leaderOf(hosts: readonly Host[]): Promise<Host> {
  for (const host of hosts) {
    const { members } = await host.client.status();
    if (members.some(({ self, leader }) => self && leader)) return host;
  }
  throw new Error("Nobody leads");
}
