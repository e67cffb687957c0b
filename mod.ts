/**
 * Hamlet's public API, for the authors of plugins.
 *
 * @module
 */
export { z } from "zod";
export * from "./runtime/atomic_file.ts";
export { failpoint } from "./runtime/failpoint.ts";
export type { Logger, LogLevel } from "./runtime/log/logger.ts";
export * from "./runtime/pki/revocation_list.ts";
export * from "./runtime/plugin/plugin.ts";
export * from "./runtime/service/contract.ts";
export * from "./runtime/service/errors.ts";
export { Latest } from "./runtime/service/latest.ts";
export * from "./runtime/services/mod.ts";
export type {
  Context,
  Runnable,
  RunnableState,
} from "./runtime/supervisor/mod.ts";
