import type { ServiceContext, Tries } from "./attempt.ts";
import { fileControls, type FileTargets, fileTries } from "./file_tries.ts";
import { type ForgedTargets, forgedTries } from "./forged_tries.ts";
import {
  loaderControls,
  type LoaderTargets,
  loaderTries,
} from "./loader_tries.ts";
import {
  networkControls,
  type NetworkTargets,
  networkTries,
} from "./network_tries.ts";
import {
  serviceControls,
  type ServiceTargets,
  serviceTries,
} from "./service_tries.ts";
import {
  systemControls,
  type SystemTargets,
  systemTries,
} from "./system_tries.ts";

/** What a test has a plugin do: it is put as JSON under the plugin's `order`, and answered under its `report`. */
export type Order =
  | { readonly suite: "files"; readonly targets: FileTargets }
  | { readonly suite: "loader"; readonly targets: LoaderTargets }
  | { readonly suite: "system"; readonly targets: SystemTargets }
  | { readonly suite: "network"; readonly targets: NetworkTargets }
  | { readonly suite: "services"; readonly targets: ServiceTargets }
  | { readonly suite: "forged"; readonly targets: ForgedTargets }
  | {
    readonly suite: "controls";
    readonly targets: {
      readonly own: string;
      readonly port: number;
      readonly variable: string;
    };
  }
  | { readonly suite: "deed"; readonly targets: { readonly name: string } };

/** An order to try things. */
export type TriesOrder = Exclude<Order, { suite: "deed" }>;

/**
 * What an order comes to.
 *
 * @param order The order.
 * @param ctx What of the plugin's context they use.
 * @returns The tries.
 */
export function triesOf(order: TriesOrder, ctx: ServiceContext): Tries {
  switch (order.suite) {
    case "files":
      return fileTries(order.targets);
    case "loader":
      return loaderTries(order.targets);
    case "system":
      return systemTries(order.targets);
    case "network":
      return networkTries(order.targets);
    case "services":
      return serviceTries(ctx, order.targets);
    case "forged":
      return forgedTries(ctx, order.targets);
    case "controls": {
      const { own, port, variable } = order.targets;
      return {
        ...fileControls(own),
        ...loaderControls(own),
        ...networkControls(port),
        ...systemControls(variable),
        ...serviceControls(ctx),
      };
    }
  }
}
