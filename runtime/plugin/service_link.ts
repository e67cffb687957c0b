import { connect } from "../broker/client.ts";
import { messagePortTransport } from "../broker/message_port_transport.ts";
import { RefusalsByUser } from "../broker/refusals.ts";
import { serve } from "../broker/server.ts";
import type { Logger } from "../log/logger.ts";
import type { Client, Implementation, Service } from "../service/contract.ts";
import { ScopeError, ServiceError } from "../service/errors.ts";
import type { HostMessage, PluginMessage } from "./control.ts";

/** Options of {@linkcode ServiceLink}. */
export interface ServiceLinkOptions {
  readonly plugin: string;
  /** Names of the services it may provide. */
  readonly provides: readonly string[];
  /** Takes what the plugin, as a provider, has refused. */
  readonly log: Logger;
  /** Asks the host. */
  readonly send: (message: PluginMessage) => void;
}

/** Host messages that concern services. */
type ServiceMessage = HostMessage & {
  kind: "connected" | "refused" | "serve" | "revoke";
};

/** Starts to serve one user of one service. */
type Acceptor = (message: ServiceMessage & { kind: "serve" }) => void;

/** A plugin's dealings with services, at its own end. */
export class ServiceLink {
  readonly #options: ServiceLinkOptions;
  readonly #refusals: RefusalsByUser;
  /** What closes a connection, by its number. */
  readonly #connections = new Map<number, () => void>();
  readonly #requests = new Map<
    number,
    PromiseWithResolvers<ServiceMessage & { kind: "connected" }>
  >();
  /** Of each service that is used the client, so that every part of the plugin shares one. */
  readonly #clients = new Map<string, Promise<Client<Service>>>();
  readonly #provided = new Map<string, Acceptor>();
  /** Why no service is waited for any more. */
  #canceled: { readonly reason: unknown } | undefined;
  #lastRequest = 0;

  /** @param options See {@linkcode ServiceLinkOptions}. */
  constructor(options: ServiceLinkOptions) {
    this.#options = options;
    this.#refusals = new RefusalsByUser((message, properties) =>
      options.log.error(message, properties)
    );
  }

  /**
   * Waits for a service; see `PluginContext.use`.
   *
   * @param service The contract.
   * @returns The service.
   */
  use<S extends Service>(service: S): Promise<Client<S>> {
    let client = this.#clients.get(service.name);
    if (client === undefined) {
      client = this.#connect(service);
      this.#clients.set(service.name, client);
      const forget = () => this.#clients.delete(service.name);
      client.then(({ gone }) => {
        if (gone.aborted) forget();
        else gone.addEventListener("abort", forget, { once: true });
      }, forget);
    }
    // Of this service, whose name is the key, and typed by the contract alone.
    return client as Promise<Client<S>>;
  }

  /**
   * Offers a service; see `PluginContext.provide`.
   *
   * @param service The contract.
   * @param implementation What answers each method.
   */
  provide<S extends Service>(
    service: S,
    implementation: Implementation<S>,
  ): void {
    const { plugin, provides, send } = this.#options;
    const { name } = service;
    if (!provides.includes(name)) {
      const error = new ScopeError(
        plugin,
        `provide service "${name}"`,
        `provides: ${JSON.stringify([...provides, name])}`,
      );
      this.#refusals.of(plugin).log(error.message);
      throw error;
    }
    if (this.#provided.has(name)) {
      throw new ServiceError(
        "already-exists",
        `Plugin "${plugin}" provides service "${name}" already`,
      );
    }
    this.#provided.set(name, ({ connection, port, user }) => {
      const served = serve(
        service,
        implementation,
        messagePortTransport(port),
        {
          user,
          refusals: this.#refusals.of(user.name),
        },
      );
      this.#connections.set(connection, () => served.close());
    });
    send({ kind: "provide", service: name });
  }

  /**
   * Takes what the host says of services.
   *
   * @param message The message.
   */
  receive(message: ServiceMessage): void {
    switch (message.kind) {
      case "connected":
        this.#settle(message.request)?.resolve(message);
        break;
      case "refused":
        this.#settle(message.request)?.reject(
          new ServiceError(message.code, message.message),
        );
        break;
      case "serve":
        this.#provided.get(message.service)?.(message);
        break;
      case "revoke":
        this.#connections.get(message.connection)?.();
        this.#connections.delete(message.connection);
        break;
    }
  }

  /**
   * Ends the wait for services that are not there, whoever waits: a runnable is told that it is
   * canceled only after its children have returned, and one of these may wait here.
   *
   * @param reason What the waits reject with.
   */
  cancel(reason: unknown): void {
    this.#canceled = { reason };
    for (const request of this.#requests.values()) request.reject(reason);
    this.#requests.clear();
  }

  async #connect(service: Service): Promise<Client<Service>> {
    if (this.#canceled !== undefined) throw this.#canceled.reason;
    const request = ++this.#lastRequest;
    const answer = Promise.withResolvers<
      ServiceMessage & { kind: "connected" }
    >();
    this.#requests.set(request, answer);
    this.#options.send({ kind: "use", request, service: service.name });
    const { connection, port } = await answer.promise;
    const transport = messagePortTransport(port);
    this.#connections.set(connection, () => transport.close());
    return connect(service, transport);
  }

  #settle(request: number) {
    const waiting = this.#requests.get(request);
    this.#requests.delete(request);
    return waiting;
  }
}
