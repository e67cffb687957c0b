import type { PluginContext } from "hamlet";

/** What became of one try. */
export interface Result {
  readonly name: string;
  readonly refused: boolean;
  /** What it was refused with, or what it got. */
  readonly reason: string;
}

/** Tries by name: each throws, or rejects, where it is refused. */
export type Tries = Readonly<Record<string, () => unknown>>;

/** What tries of services use of a plugin's context. */
export type ServiceContext = Pick<PluginContext, "dn" | "use" | "provide">;

/** Milliseconds after which a try that neither got anything nor was refused has failed. */
const PATIENCE_MS = 5_000;

/**
 * Tries one after the other.
 *
 * @param tries The tries.
 * @returns What became of each, in order.
 */
export async function attemptAll(tries: Tries): Promise<Result[]> {
  const results: Result[] = [];
  for (const [name, attempt] of Object.entries(tries)) {
    results.push(await attemptOne(name, attempt));
  }
  return results;
}

async function attemptOne(
  name: string,
  attempt: () => unknown,
): Promise<Result> {
  const late = Promise.withResolvers<string>();
  const timer = setTimeout(() => late.resolve("no answer"), PATIENCE_MS);
  try {
    const got = await Promise.race([attempt(), late.promise]);
    return { name, refused: false, reason: describe(got) };
  } catch (error) {
    return { name, refused: true, reason: describe(error) };
  } finally {
    clearTimeout(timer);
  }
}

/** An error or a value in a line. */
function describe(value: unknown): string {
  const text = value instanceof Error
    ? `${value.name}: ${value.message}`
    : `got ${Deno.inspect(value, { depth: 1 })}`;
  return text.replaceAll(/\s+/g, " ").slice(0, 600);
}

/**
 * Tries something that is not there at all.
 *
 * @param value What should not be.
 * @throws {Error} If it is not there.
 */
export function present(value: unknown): void {
  if (value === undefined) throw new Error("It does not exist");
}

/**
 * Waits for the first of two kinds of events, as Node.js and the web tell them.
 *
 * @param start Given what to call on success and on failure.
 * @returns What it succeeded with.
 */
export function settled<T>(
  start: (
    resolve: (value: T) => void,
    reject: (error: unknown) => void,
  ) => void,
): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  start(resolve, reject);
  return promise;
}
