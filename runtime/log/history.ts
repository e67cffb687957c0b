import type { LogRecord } from "./record.ts";

/** What a reader of {@linkcode LogHistory.follow} gets. */
export type Followed =
  | { readonly kind: "record"; readonly record: LogRecord }
  /** The reader was too slow for this many records, which it never sees. */
  | { readonly kind: "dropped"; readonly count: number };

/** The latest records, in memory only. */
export interface LogHistory {
  /**
   * The latest records of a subtree, oldest first.
   *
   * @param dn A runnable and all below it; everything where absent.
   * @param limit How many at most. @default all that are kept
   */
  recent(dn?: string, limit?: number): readonly LogRecord[];
  /**
   * Every record of a subtree from now on.
   *
   * @param dn A runnable and all below it; everything where undefined.
   * @param signal Ends it.
   */
  follow(
    dn: string | undefined,
    signal: AbortSignal,
  ): AsyncIterableIterator<Followed>;
}
