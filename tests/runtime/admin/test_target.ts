import type { AdminTarget } from "../../../runtime/admin/target.ts";
import { createLog, type Log } from "../../../runtime/log/log.ts";
import type { NodeStatus } from "../../../runtime/status.ts";
import type { Client, Service } from "../../../runtime/service/contract.ts";
import { ServiceError } from "../../../runtime/service/errors.ts";

/** A node of which a test decides everything that the admin socket shows. */
export interface TestTarget extends AdminTarget, Disposable {
  readonly lines: string[];
  readonly node: Log;
  current: NodeStatus;
  readonly listeners: Set<() => void>;
  /** What each service answers; one that is not here is not provided. */
  readonly services: Map<string, { client: object; gone: AbortController }>;
  /** How often a service was connected to. */
  connections: number;
  change(): void;
}

/** Creates a target with a log that is real and a status that is not. */
export function createTarget(): TestTarget {
  const lines: string[] = [];
  const node = createLog({
    format: "json",
    level: "info",
    levels: {},
    color: false,
    write: (text) => lines.push(text),
  });
  const target: TestTarget = {
    lines,
    node,
    connections: 0,
    current: {
      ready: true,
      node: {
        role: "member",
        id: "hamlet-00",
        name: "one",
        machineId: "00",
        address: "127.0.0.1",
      },
      plugins: [{ name: "ca", state: "ready", restarts: 0 }],
      runnables: [{ dn: "root", state: "HEALTHY", restarts: 0, since: 1 }],
      members: [],
      warnings: [],
    },
    listeners: new Set(),
    services: new Map(),
    change() {
      for (const listener of target.listeners) listener();
    },
    status: () => Promise.resolve(target.current),
    onChange(listener) {
      target.listeners.add(listener);
      return () => target.listeners.delete(listener);
    },
    plugins: () => [],
    logs: node.history,
    log: node.logger("root.admin"),
    audit: node.logger("root.audit"),
    use<S extends Service>({ name }: S, signal: AbortSignal) {
      const found = target.services.get(name);
      if (found !== undefined) {
        target.connections++;
        // The test decides what a service is; its types end here.
        return Promise.resolve(
          { ...found.client, gone: found.gone.signal } as Client<S>,
        );
      }
      return new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason));
      });
    },
    [Symbol.dispose]: () => node[Symbol.dispose](),
  };
  return target;
}

/** A service that the target provides. */
export function provide(
  target: TestTarget,
  name: string,
  client: object,
): AbortController {
  const gone = new AbortController();
  target.services.set(name, { client, gone });
  gone.signal.addEventListener("abort", () => target.services.delete(name));
  return gone;
}

/** What the provider of a test answers with when it fails. */
export function refuse(code: ServiceError["code"], message: string): never {
  throw new ServiceError(code, message);
}
