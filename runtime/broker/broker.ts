import type * as v from "valibot";
import type { LogSink } from "../log/record.ts";
import type { Client, Implementation, Service } from "../service/contract.ts";
import { ScopeError, ServiceError } from "../service/errors.ts";
import { connect } from "./client.ts";
import type { Declaration } from "./declaration.ts";
import { messagePortTransport } from "./message_port_transport.ts";
import { Refusals, RefusalsByUser } from "./refusals.ts";
import { type ConnectionUser, serve, type ServedConnection } from "./server.ts";

/** Options of {@linkcode Broker}. */
export interface BrokerOptions {
  /** Takes what the broker has to say, under the DN of the plugin concerned. */
  readonly log: LogSink;
  /**
   * What a plugin might declare as its scope of a service, for the advice to one that declares no use of it.
   *
   * @default nothing, as for a service without scopes
   */
  readonly exampleScope?: (service: string, plugin: string) => unknown;
}

/** Who the main thread itself is towards a service. */
export interface ClientOptions<S extends Service> {
  /** What the provider sees as the caller's name, such as `admin`. */
  readonly name: string;
  /** The part of the service it may reach. */
  readonly scope: v.InferInput<S["scope"]>;
  /** Ends the wait for a provider, which then rejects with the signal's reason, and later the connection. */
  readonly signal?: AbortSignal;
}

/** One end of a connection, on its way to the thread that takes it. */
export interface ConnectionEnd {
  /** The same at both ends. */
  readonly id: number;
  readonly port: MessagePort;
}

/** The provider's end of a connection, on its way to the thread that serves it. */
export interface ProviderEnd extends ConnectionEnd {
  readonly service: string;
  readonly user: ConnectionUser;
}

/** Whoever holds an end of a connection. */
interface Party {
  /**
   * Takes an end back.
   *
   * @param connection Its number.
   * @returns When nothing runs for the connection any more, where that can be told.
   */
  revoke(connection: number): Promise<void> | void;
}

/** Whoever answers for a service: a plugin's thread, or the runtime. */
export interface Provider extends Party {
  /** Takes the provider's end of a new connection. */
  serve(end: ProviderEnd): void;
}

/** One run of a plugin, from its Worker's start to its end. */
export interface Session {
  readonly plugin: Declaration;
  /**
   * Connects the plugin to a service, once that is provided.
   *
   * @param service Its name.
   * @param signal Ends the wait.
   * @returns The user's end.
   * @throws {ScopeError} If the plugin does not declare the use.
   */
  use(service: string, signal: AbortSignal): Promise<ConnectionEnd>;
  /**
   * Makes the plugin the provider of a service until the session ends.
   *
   * @param service Its name.
   * @throws {ScopeError} If the plugin does not declare it.
   * @throws {ServiceError} `already-exists` if somebody provides it.
   */
  provide(service: string): void;
  /**
   * Waits for those that cannot be without this plugin.
   *
   * @returns When no session of a plugin is left that requires a service which this one provides.
   */
  dependentsEnded(): Promise<void>;
  /**
   * Ends the session: what the plugin provides is gone, what it uses is revoked.
   *
   * @returns When nothing runs for it in this thread any more, such as a process it started.
   */
  end(): Promise<void>;
}

/** A connection, as the broker remembers it. */
interface Connection {
  readonly provider: Party;
  readonly user: Party;
}

/** Told when a service gets a provider, and when it loses it. */
export type ProvidedListener = (service: string, provided: boolean) => void;

/**
 * Brings the users of services together with their providers: checks that a use is declared, then
 * makes a channel and gives one end to each, so that what they say does not pass through here. Who
 * the user is, and what it may, is stated to the provider by the broker, which alone makes channels.
 * Main thread only.
 */
export class Broker {
  readonly #log: LogSink;
  readonly #exampleScope: NonNullable<BrokerOptions["exampleScope"]>;
  readonly #refusals = new Map<string, Refusals>();
  readonly #providers = new Map<string, Provider>();
  readonly #connections = new Map<number, Connection>();
  readonly #sessions = new Set<Session>();
  readonly #listeners = new Set<ProvidedListener>();
  #sessionEnded = Promise.withResolvers<void>();
  #lastId = 0;

  /** @param options See {@linkcode BrokerOptions}. */
  constructor({ log, exampleScope = () => undefined }: BrokerOptions) {
    this.#log = log;
    this.#exampleScope = exampleScope;
  }

  /**
   * Offers a service of the runtime for as long as the node runs.
   *
   * @param service The contract.
   * @param implementation What answers each method.
   * @throws {ServiceError} `already-exists` if somebody provides it.
   */
  provide<S extends Service>(
    service: S,
    implementation: Implementation<S>,
  ): void {
    const refusals = new RefusalsByUser(this.#logger("root"));
    const served = new Map<number, ServedConnection>();
    this.#setProvider(service.name, {
      serve({ id, port, user }) {
        const transport = messagePortTransport(port);
        const connection = serve(service, implementation, transport, {
          user,
          refusals: refusals.of(user.name),
        });
        served.set(id, connection);
      },
      async revoke(id) {
        const connection = served.get(id);
        served.delete(id);
        connection?.close();
        await connection?.finished;
      },
    });
  }

  /**
   * Says whether a service has a provider now.
   *
   * @param service Its name.
   * @returns Whether `use` would not wait.
   */
  provided(service: string): boolean {
    return this.#providers.has(service);
  }

  /**
   * Listens to services coming and going.
   *
   * @param listener Told of each change; must not throw.
   * @returns Ends it.
   */
  onProvided(listener: ProvidedListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /**
   * Connects this thread itself to a service, once that is provided. Every call makes a connection.
   *
   * @param service The contract.
   * @param options See {@linkcode ClientOptions}.
   * @returns The service.
   */
  async client<S extends Service>(
    service: S,
    { name, scope, signal }: ClientOptions<S>,
  ): Promise<Client<S>> {
    const provider = await this.#waitFor(service.name, signal);
    const { id, port } = this.#connect(
      service.name,
      provider,
      { revoke: () => transport.close() },
      { name, scope },
    );
    const transport = messagePortTransport(port);
    signal?.addEventListener("abort", () => void this.#revoke(id), {
      once: true,
    });
    return connect(service, transport);
  }

  /**
   * Starts a run of a plugin.
   *
   * @param plugin What it declares.
   * @param thread Where it runs.
   * @returns Its dealings with services.
   */
  join(plugin: Declaration, thread: Provider): Session {
    const refusals = this.#refusalsOf(plugin.name);
    function refuse(tried: string, line: string): ScopeError {
      const error = new ScopeError(plugin.name, tried, line);
      refusals.log(error.message);
      return error;
    }
    const connections = new Map<string, number>();
    const session: Session = {
      plugin,
      use: async (service, signal) => {
        const use = Object.hasOwn(plugin.uses, service)
          ? plugin.uses[service]
          : undefined;
        if (use === undefined) {
          const scope = this.#exampleScope(service, plugin.name);
          const use = JSON.stringify(scope === undefined ? {} : { scope });
          throw refuse(`use service "${service}"`, `uses.${service}: ${use}`);
        }
        const provider = await this.#waitFor(service, signal);
        const { methods, scope } = use;
        // A plugin that asks again has lost its connection, or makes up that it has: it never holds two.
        const former = connections.get(service);
        if (former !== undefined) void this.#revoke(former);
        const end = this.#connect(service, provider, thread, {
          name: plugin.name,
          methods,
          scope,
        });
        connections.set(service, end.id);
        return end;
      },
      provide: (service) => {
        if (!plugin.provides.includes(service)) {
          const provides = JSON.stringify([...plugin.provides, service]);
          throw refuse(`provide service "${service}"`, `provides: ${provides}`);
        }
        this.#setProvider(service, thread);
      },
      dependentsEnded: async () => {
        const depends = ({ plugin: other }: Session) =>
          plugin.provides.some((service) =>
            Object.hasOwn(other.uses, service) && !other.uses[service]?.optional
          );
        while ([...this.#sessions].some(depends)) {
          await this.#sessionEnded.promise;
        }
      },
      end: async () => {
        this.#sessions.delete(session);
        const ended = this.#sessionEnded;
        this.#sessionEnded = Promise.withResolvers();
        ended.resolve();
        await this.#part(thread);
      },
    };
    this.#sessions.add(session);
    return session;
  }

  #setProvider(service: string, provider: Provider): void {
    if (this.#providers.has(service)) {
      throw new ServiceError(
        "already-exists",
        `Service "${service}" has a provider already`,
      );
    }
    this.#providers.set(service, provider);
    this.#tell(service, true);
  }

  /** Ends all that a thread has to do with services. */
  async #part(thread: Provider): Promise<void> {
    for (const [service, provider] of this.#providers) {
      if (provider !== thread) continue;
      this.#providers.delete(service);
      // First, so that a plugin learns that it is canceled before it sees the service gone.
      this.#tell(service, false);
    }
    const revoked = [...this.#connections]
      .filter(([, { provider, user }]) =>
        provider === thread || user === thread
      )
      .map(([id]) => this.#revoke(id));
    await Promise.all(revoked);
  }

  async #revoke(id: number): Promise<void> {
    const connection = this.#connections.get(id);
    if (connection === undefined) return;
    this.#connections.delete(id);
    connection.user.revoke(id);
    await connection.provider.revoke(id);
  }

  async #waitFor(
    service: string,
    signal: AbortSignal | undefined,
  ): Promise<Provider> {
    for (;;) {
      signal?.throwIfAborted();
      const provider = this.#providers.get(service);
      if (provider !== undefined) return provider;
      const { promise, resolve } = Promise.withResolvers<void>();
      const unlisten = this.onProvided(() => resolve());
      signal?.addEventListener("abort", () => resolve(), { once: true });
      await promise;
      unlisten();
    }
  }

  #connect(
    service: string,
    provider: Provider,
    party: Party,
    user: ConnectionUser,
  ): ConnectionEnd {
    const id = ++this.#lastId;
    const { port1, port2 } = new MessageChannel();
    this.#connections.set(id, { provider, user: party });
    provider.serve({ id, port: port2, service, user });
    return { id, port: port1 };
  }

  #tell(service: string, provided: boolean): void {
    for (const listener of [...this.#listeners]) listener(service, provided);
  }

  #refusalsOf(plugin: string): Refusals {
    return this.#refusals.getOrInsertComputed(
      plugin,
      () => new Refusals(this.#logger(`root.${plugin}`)),
    );
  }

  #logger(dn: string) {
    return (message: string, properties?: Record<string, unknown>) =>
      this.#log({
        time: Date.now(),
        level: "error",
        dn,
        message,
        ...(properties && { properties }),
      });
  }
}
