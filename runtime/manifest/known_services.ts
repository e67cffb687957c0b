import type { Service } from "../service/contract.ts";
import {
  ca,
  cluster,
  enrollment,
  hostname,
  kv,
  membership,
  network,
  node,
  nodes,
  process,
} from "../services/mod.ts";

/** The services that the runtime itself provides, and no plugin may. */
export const RUNTIME_SERVICES: readonly string[] = [
  hostname.name,
  node.name,
  process.name,
];

/** The services whose methods and scope the manifest is checked against, by name. */
export const KNOWN_SERVICES: ReadonlyMap<string, Service> = new Map(
  [
    ca,
    cluster,
    enrollment,
    hostname,
    kv,
    membership,
    network,
    node,
    nodes,
    process,
  ].map((service: Service) => [service.name, service]),
);
