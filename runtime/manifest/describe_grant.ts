import type { Grant } from "./manifest.ts";

/**
 * Says what a grant allows, for a person who decides whether that is right.
 *
 * @param grant The grant.
 * @returns One line for each thing that may be touched; none where that is nothing.
 */
export function describeGrant({ permissions, uses }: Grant): string[] {
  const { read, write, net, env, sys } = permissions;
  const services = Object.entries(uses).map(([name, use]) => {
    const methods = use.methods === undefined
      ? []
      : [`only ${use.methods.join(", ")}`];
    const scope = use.scope === undefined ? [] : [JSON.stringify(use.scope)];
    const limits = [...methods, ...scope].map((one) => ` ${one}`).join(",");
    return `uses service ${name}${use.optional ? " if it is there" : ""}:${
      limits || " all of it"
    }`;
  });
  return [
    ...read.map((path) => `reads ${path}`),
    ...write.map((path) => `writes ${path}`),
    ...net.map((address) => `network ${address}`),
    ...env.map((name) => `environment ${name}`),
    ...sys.map((kind) => `system ${kind}`),
    ...services,
  ];
}
