import { ServiceError } from "hamlet";
import { connectEtcd, type EtcdClient } from "./etcd_client.ts";

/** Options of {@linkcode EtcdLink}. */
export interface EtcdLinkOptions {
  /**
   * Milliseconds that a call waits for an etcd that is away.
   * @default {5_000}
   */
  readonly deadline?: number;
}

/** The plugin's one way to its etcd, from before that is started to the end of the plugin. */
export class EtcdLink implements Disposable {
  /** Milliseconds that a call waits for an etcd that is away. */
  readonly deadline: number;
  readonly #socket: string;
  readonly #connected = Promise.withResolvers<EtcdClient>();
  #connecting = false;
  #client: EtcdClient | undefined;

  /**
   * @param socket The path of etcd's client socket.
   * @param options See {@linkcode EtcdLinkOptions}.
   */
  constructor(socket: string, options: EtcdLinkOptions = {}) {
    this.#socket = socket;
    this.deadline = options.deadline ?? 5_000;
  }

  /**
   * Loads the client, unless it is: not before etcd was started, which is to be first.
   *
   * @returns When there is one, whether or not etcd answers.
   */
  async connect(): Promise<void> {
    if (!this.#connecting) {
      this.#connecting = true;
      connectEtcd(this.#socket).then((client) => {
        this.#client = client;
        this.#connected.resolve(client);
      }, this.#connected.reject);
    }
    await this.#connected.promise;
  }

  /**
   * Waits until there is a client.
   *
   * @param until When to give up, in milliseconds since the epoch.
   * @throws {ServiceError} `unavailable` if etcd was not even started until then.
   */
  async client(until: number): Promise<EtcdClient> {
    if (this.#client) return this.#client;
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() =>
      late.reject(
        new ServiceError("unavailable", "etcd has not been started yet"),
      ), until - Date.now());
    try {
      return await Promise.race([this.#connected.promise, late.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  [Symbol.dispose](): void {
    this.#client?.[Symbol.dispose]();
  }
}
