import {
  type Caller,
  type Implementation,
  type kv,
  type KvScope,
  type Operation,
  ServiceError,
} from "hamlet";
import { delay } from "./delay.ts";

/** Options of {@linkcode BootstrapGate}. */
export interface BootstrapGateOptions {
  /** Makes it durable that etcd's data is to be kept. */
  record(): Promise<void>;
  /**
   * Milliseconds that a call of anybody but the founder waits.
   * @default {5_000}
   */
  readonly deadline?: number;
}

/**
 * Stands before `kv` while a new cluster is founded, which ends when its authorities are in etcd.
 *
 * etcd's first start is not crash-safe by itself, so until then every start begins with an empty
 * etcd, and whatever anybody but the founder had written would be lost. The founder's first
 * transaction that writes is recorded before the founder learns of it: when it forgets its own copy,
 * etcd's is not wiped any more.
 */
export class BootstrapGate {
  readonly #options: BootstrapGateOptions;
  /** What is in etcd, and who may use it. */
  #stage: "nothing" | "authorities" | "everybody" = "nothing";
  readonly #opened = Promise.withResolvers<void>();

  /** @param options See {@linkcode BootstrapGateOptions}. */
  constructor(options: BootstrapGateOptions) {
    this.#options = options;
  }

  /** Whether there is nothing in etcd that is worth keeping. */
  get nothing(): boolean {
    return this.#stage === "nothing";
  }

  /** Lets everybody in. */
  open(): void {
    this.#stage = "everybody";
    this.#opened.resolve();
  }

  /**
   * Puts a service behind the gate.
   *
   * @param inner The service.
   * @returns The same; calls of others than the founder wait for the gate to open.
   */
  guard(inner: Implementation<typeof kv>): Implementation<typeof kv> {
    return {
      range: (input, caller) =>
        this.#call(caller, () => inner.range(input, caller)),
      put: (input, caller) =>
        this.#call(caller, () => inner.put(input, caller)),
      delete: (input, caller) =>
        this.#call(caller, () => inner.delete(input, caller)),
      txn: (input, caller) =>
        this.#call(caller, async () => {
          const answer = await inner.txn(input, caller);
          if (answer.succeeded && this.nothing && writes(input.success)) {
            await this.#record();
          }
          return answer;
        }),
      watch: (input, caller) =>
        this.#stream(caller, () => inner.watch(input, caller)),
      lease: (input, caller) =>
        this.#stream(caller, () => inner.lease(input, caller)),
    };
  }

  async #call<T>(
    caller: Caller<KvScope>,
    proceed: () => Promise<T>,
  ): Promise<T> {
    if (this.#stage !== "everybody" && !caller.scope.founder) {
      const { deadline = 5_000 } = this.#options;
      const waited = new AbortController();
      await Promise.race([
        this.#opened.promise,
        delay(deadline, AbortSignal.any([caller.signal, waited.signal])),
      ]);
      waited.abort();
      caller.signal.throwIfAborted();
      // It may have opened meanwhile, which the type of a field does not tell.
      if (!this.#isOpen()) {
        throw new ServiceError(
          "unavailable",
          "The cluster is being founded: its authorities are not in etcd yet",
        );
      }
    }
    return await proceed();
  }

  async *#stream<T>(
    caller: Caller<KvScope>,
    proceed: () => AsyncIterable<T>,
  ): AsyncGenerator<T, void, void> {
    if (!caller.scope.founder) {
      const { promise: canceled, resolve } = Promise.withResolvers<void>();
      caller.signal.addEventListener("abort", () => resolve(), { once: true });
      await Promise.race([this.#opened.promise, canceled]);
      if (caller.signal.aborted) return;
    }
    yield* proceed();
  }

  async #record(): Promise<void> {
    // First, so that an etcd that starts again meanwhile keeps what is about to be recorded.
    this.#stage = "authorities";
    try {
      await this.#options.record();
    } catch (error) {
      // The founder is told that it failed, and keeps its own copy: its next transaction is to be recorded.
      this.#stage = "nothing";
      throw error;
    }
  }

  #isOpen(): boolean {
    return this.#stage === "everybody";
  }
}

function writes(operations: readonly Operation[]): boolean {
  return operations.some((operation) => "put" in operation);
}
