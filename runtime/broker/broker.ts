import type { z } from "zod";
import type { LogSink } from "../log/record.ts";
import type { Client, Implementation, Service } from "../service/contract.ts";

/** Options of {@linkcode Broker}. */
export interface BrokerOptions {
  /** Takes what the broker has to say. */
  readonly log: LogSink;
}

/** Who the main thread itself is towards a service. */
export interface ClientOptions<S extends Service> {
  /** What the provider sees as the caller's name, such as `admin`. */
  readonly name: string;
  /** The part of the service it may reach. */
  readonly scope: z.input<S["scope"]>;
  /** Ends the wait for a provider; it then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** Brings the users of services together with their providers. Main thread only. */
export class Broker {
  constructor(_options: BrokerOptions) {}

  /** Offers a service of the runtime for as long as the node runs. */
  provide<S extends Service>(
    _service: S,
    _implementation: Implementation<S>,
  ): void {
    throw new Error("Not there yet");
  }

  /** Whether the service has a provider now. */
  provided(_service: Service): boolean {
    throw new Error("Not there yet");
  }

  /** Waits for a provider and connects the main thread itself to it. */
  client<S extends Service>(
    _service: S,
    _options: ClientOptions<S>,
  ): Promise<Client<S>> {
    throw new Error("Not there yet");
  }
}
