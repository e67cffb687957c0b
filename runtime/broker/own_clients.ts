import type * as v from "valibot";
import type { Client, Service } from "../service/contract.ts";
import type { Broker } from "./broker.ts";

/** Options of {@linkcode OwnClients}. */
export interface OwnClientsOptions {
  readonly broker: Broker;
  /** What providers see as the caller's name. */
  readonly name: string;
  /** The part of a service this thread may reach. */
  scope(service: string): unknown;
  /** Ends every connection. */
  readonly signal: AbortSignal;
}

/** The main thread's own connections to services: one each, for as long as its provider lasts. */
export class OwnClients {
  readonly #options: OwnClientsOptions;
  readonly #clients = new Map<string, Promise<Client<Service>>>();

  /** @param options See {@linkcode OwnClientsOptions}. */
  constructor(options: OwnClientsOptions) {
    this.#options = options;
  }

  /**
   * Waits until a service is provided.
   *
   * @param service The contract.
   * @param signal Ends the wait, and nothing else.
   * @returns The service.
   */
  async use<S extends Service>(
    service: S,
    signal: AbortSignal,
  ): Promise<Client<S>> {
    signal.throwIfAborted();
    const aborted = Promise.withResolvers<never>();
    const abort = () => aborted.reject(signal.reason);
    signal.addEventListener("abort", abort);
    try {
      // Kept under the name of the contract that it was made for.
      const client = this.#client(service) as Promise<Client<S>>;
      return await Promise.race([client, aborted.promise]);
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  #client(service: Service): Promise<Client<Service>> {
    const known = this.#clients.get(service.name);
    if (known !== undefined) return known;
    const { broker, name, scope, signal } = this.#options;
    const client = broker.client(service, {
      name,
      scope: scope(service.name) as v.InferInput<Service["scope"]>,
      signal,
    });
    const forget = () => void this.#clients.delete(service.name);
    client.then(({ gone }) => {
      if (gone.aborted) forget();
      else gone.addEventListener("abort", forget, { once: true });
    }, forget);
    this.#clients.set(service.name, client);
    return client;
  }
}
