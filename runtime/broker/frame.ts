import {
  SERVICE_ERROR_CODES,
  type ServiceErrorCode,
} from "../service/errors.ts";

/** What a user of a service sends. */
export type UserFrame =
  | {
    readonly kind: "call";
    readonly id: number;
    readonly method: string;
    readonly input: unknown;
  }
  /** The reader has taken this many items, and as many more may come. */
  | { readonly kind: "credit"; readonly id: number; readonly items: number }
  | { readonly kind: "cancel"; readonly id: number };

/** What its provider sends. */
export type ProviderFrame =
  /** The answer of a call, or one item of a stream. */
  | { readonly kind: "value"; readonly id: number; readonly value: unknown }
  | { readonly kind: "end"; readonly id: number }
  | {
    readonly kind: "error";
    readonly id: number;
    readonly code: ServiceErrorCode;
    readonly message: string;
  };

/** A frame that no Hamlet sends: its connection is closed. */
export class ProtocolError extends Error {
  override readonly name = "ProtocolError";
}

/**
 * Parses a frame of a user. By hand, since it is on the way of every call.
 *
 * @param message What the transport received.
 * @returns The frame; `input` is still whatever came.
 * @throws {ProtocolError} If it is none.
 */
export function parseUserFrame(message: unknown): UserFrame {
  const frame = parseHead(message);
  const { id } = frame;
  switch (frame.kind) {
    case "call":
      if (typeof frame.method !== "string") break;
      return { kind: "call", id, method: frame.method, input: frame.input };
    case "credit":
      if (!isCount(frame.items)) break;
      return { kind: "credit", id, items: frame.items };
    case "cancel":
      return { kind: "cancel", id };
  }
  throw new ProtocolError(`Malformed frame of kind "${describe(frame.kind)}"`);
}

/**
 * Parses a frame of a provider.
 *
 * @param message What the transport received.
 * @returns The frame; `value` is still whatever came.
 * @throws {ProtocolError} If it is none.
 */
export function parseProviderFrame(message: unknown): ProviderFrame {
  const frame = parseHead(message);
  const { id } = frame;
  switch (frame.kind) {
    case "value":
      return { kind: "value", id, value: frame.value };
    case "end":
      return { kind: "end", id };
    case "error":
      if (!isErrorCode(frame.code) || typeof frame.message !== "string") break;
      return { kind: "error", id, code: frame.code, message: frame.message };
  }
  throw new ProtocolError(`Malformed frame of kind "${describe(frame.kind)}"`);
}

/** Fields of any frame, before its kind says which of them it must have. */
interface Head {
  readonly kind: unknown;
  readonly id: number;
  readonly [field: string]: unknown;
}

function parseHead(message: unknown): Head {
  if (typeof message !== "object" || message === null) {
    throw new ProtocolError(`Frame is no object but ${typeof message}`);
  }
  if (!("kind" in message) || !("id" in message) || !isCount(message.id)) {
    throw new ProtocolError("Frame without kind or id");
  }
  return { ...message, kind: message.kind, id: message.id };
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value > 0;
}

const errorCodes: ReadonlySet<unknown> = new Set(SERVICE_ERROR_CODES);

function isErrorCode(value: unknown): value is ServiceErrorCode {
  return errorCodes.has(value);
}

/** A stranger's value for the log: short, and never its content. */
function describe(value: unknown): string {
  return typeof value === "string" ? value.slice(0, 32) : typeof value;
}
