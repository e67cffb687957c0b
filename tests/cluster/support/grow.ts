import type { Role } from "../../../mod.ts";
import { membership } from "../../../mod.ts";
import type { Host } from "./host.ts";
import type { Lab } from "./lab.ts";
import { until } from "./until.ts";

/**
 * Makes an invitation as an operator does.
 *
 * @param host A member.
 * @param role What the nodes are to be.
 * @param uses How many may join.
 * @returns The token.
 */
export async function invite(
  host: Host,
  role: Role,
  uses = 1,
): Promise<string> {
  const args = ["--role", role, "--uses", `${uses}`];
  return (await host.hamlet("invite", ...args)).trim();
}

/**
 * Founds a cluster on new hosts, and lets others join.
 *
 * @param lab Where.
 * @param names Who is to be a member; the first one founds it.
 * @returns The hosts, ready.
 */
export async function members<const T extends readonly string[]>(
  lab: Lab,
  ...names: T
): Promise<{ [K in keyof T]: Host }>;
export async function members(lab: Lab, ...names: string[]): Promise<Host[]> {
  const hosts: Host[] = [];
  for (const name of names) hosts.push(await lab.host(name));
  const [first, ...others] = hosts;
  if (first === undefined) return [];
  await first.start(["--new-cluster"]).ready();
  if (others.length > 0) {
    const token = await invite(first, "member", others.length);
    for (const host of others) await host.join(token);
    for (const host of others) await host.node.ready();
  }
  return hosts;
}

/** Waits until each of the hosts knows the name and the address of each. */
export async function allResolve(hosts: readonly Host[]): Promise<void> {
  for (const host of hosts) {
    for (const { name, address } of hosts) {
      await until(
        `${host.name} resolves ${name} to ${address}`,
        async () => (await host.resolve(name)).join() === address,
        host.explain,
      );
    }
  }
}

/** The names of the cluster's nodes, sorted, as a member tells them. */
export async function nodeNames(host: Host): Promise<string[]> {
  const { nodes } = await host.client.call(membership, "nodes", {});
  return nodes.map(({ name }) => name).sort();
}
