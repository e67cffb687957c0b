import { v } from "hamlet";

/** A way out of this machine. */
export interface DefaultRoute {
  readonly family: "ipv4" | "ipv6";
  readonly dev: string;
  readonly gateway?: string | undefined;
  /** The source address that the route itself asks for. */
  readonly source?: string | undefined;
}

const hop = {
  dev: v.optional(v.string()),
  gateway: v.optional(v.string()),
  flags: v.optional(v.array(v.string()), []),
};

/** What is read of one route. */
const Route = v.object({
  ...hop,
  /** Absent for a unicast route; an `unreachable` one, for example, leads nowhere. */
  type: v.optional(v.string(), "unicast"),
  prefsrc: v.optional(v.string()),
  metric: v.optional(v.number(), 0),
  nexthops: v.optional(v.array(v.object(hop))),
});

/**
 * Reads the default routes of one address family.
 *
 * @param json What `ip -j route show default` printed, which is nothing at all where there is no route.
 * @param family What it was asked for.
 * @returns The routes that lead somewhere, the preferred one first.
 * @throws {Error} Where it is not of that form.
 */
export function parseDefaultRoutes(
  json: string,
  family: DefaultRoute["family"],
): DefaultRoute[] {
  return v.parse(v.array(Route), JSON.parse(json.trim() || "[]"))
    .filter(({ type }) => type === "unicast")
    .toSorted((a, b) => a.metric - b.metric)
    .flatMap((route) =>
      (route.nexthops ?? [route]).flatMap(({ dev, gateway, flags }) =>
        dev === undefined || flags.includes("dead") ||
          flags.includes("linkdown")
          ? []
          : [{ family, dev, gateway, source: route.prefsrc }]
      )
    );
}
