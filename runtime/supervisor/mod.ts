/**
 * Supervision: a tree of runnables in which what dies is started again, together with what depends on it, and what
 * is canceled ends from the leaves to the root.
 *
 * @module
 */
export type { BackoffOptions } from "./backoff.ts";
export { type Clock, systemClock, type TimerHandle } from "./clock.ts";
export { CanceledError, MisuseError, UnexpectedReturnError } from "./errors.ts";
export { supervise } from "./supervise.ts";
export type {
  Context,
  Runnable,
  RunnableRemoval,
  RunnableState,
  RunnableStatus,
  Supervisor,
  SupervisorOptions,
} from "./types.ts";
