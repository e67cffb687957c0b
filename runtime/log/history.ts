import type { LogEntry } from "./entry.ts";

/** What a reader of {@linkcode LogHistory.follow} gets. */
export type Followed =
  | { readonly kind: "entry"; readonly entry: LogEntry }
  /** The reader was too slow for this many entries, which it never sees. */
  | { readonly kind: "dropped"; readonly count: number };

/** The latest log entries, in memory only. */
export interface LogHistory {
  /**
   * The latest entries of a subtree, oldest first.
   *
   * @param dn A runnable and all below it; everything where undefined.
   * @param limit How many at most. @default all that are kept
   */
  recent(dn?: string, limit?: number): readonly LogEntry[];
  /**
   * Every entry of a subtree from this call on. A slow reader costs no memory: it reads from what is
   * kept anyway, and is told what it has missed.
   *
   * @param dn A runnable and all below it; everything where undefined.
   * @param signal Ends it.
   */
  follow(
    dn: string | undefined,
    signal: AbortSignal,
  ): AsyncIterableIterator<Followed>;
}

/** Options of {@linkcode createHistory}. */
export interface HistoryOptions {
  /** Entries to keep at most. @default {4096} */
  readonly count?: number;
  /** Characters to keep at most, counted as JSON. @default 2 Mi */
  readonly size?: number;
}

/** An entry that is kept. */
interface Slot {
  readonly entry: LogEntry;
  /** Its characters as JSON. */
  readonly size: number;
}

/** A place in the history; what is not in it any more is counted for those who follow. */
interface Cursor {
  readonly dn: string | undefined;
  next: number;
  dropped: number;
  wake: () => void;
}

/**
 * Creates an empty history.
 *
 * @param options See {@linkcode HistoryOptions}.
 * @returns The history, and what puts an entry into it.
 */
export function createHistory(
  options: HistoryOptions = {},
): LogHistory & { add(entry: LogEntry): void } {
  const { count = 4096, size = 2 * 1024 * 1024 } = options;
  // Entry n is at n modulo `count`, so that dropping the oldest moves nothing.
  const slots: (Slot | undefined)[] = [];
  const cursors = new Set<Cursor>();
  let first = 0;
  let end = 0;
  let total = 0;

  function at(n: number) {
    const slot = slots[n % count];
    if (slot === undefined) throw new RangeError(`No entry ${n}`);
    return slot;
  }

  function dropOldest(): void {
    const { entry, size } = at(first);
    for (const cursor of cursors) {
      if (cursor.next > first) continue;
      cursor.next = first + 1;
      if (isWithin(entry.dn, cursor.dn)) cursor.dropped++;
    }
    total -= size;
    // What is not kept must not take up memory until its place is needed again.
    slots[first % count] = undefined;
    first++;
  }

  async function* read(
    cursor: Cursor,
    signal: AbortSignal,
  ): AsyncGenerator<Followed, void, undefined> {
    const wake = () => cursor.wake();
    signal.addEventListener("abort", wake);
    try {
      while (!signal.aborted) {
        if (cursor.dropped > 0) {
          const count = cursor.dropped;
          cursor.dropped = 0;
          yield { kind: "dropped", count };
        } else if (cursor.next < end) {
          const { entry } = at(cursor.next++);
          if (isWithin(entry.dn, cursor.dn)) yield { kind: "entry", entry };
        } else {
          await new Promise<void>((resolve) => cursor.wake = resolve);
        }
      }
    } finally {
      cursors.delete(cursor);
      signal.removeEventListener("abort", wake);
    }
  }

  return {
    add(entry) {
      const added = JSON.stringify(entry).length;
      while (first < end && (end - first >= count || total + added > size)) {
        dropOldest();
      }
      slots[end % count] = { entry, size: added };
      end++;
      total += added;
      for (const cursor of cursors) cursor.wake();
    },
    recent(dn, limit = Infinity) {
      const found: LogEntry[] = [];
      for (let n = end - 1; n >= first && found.length < limit; n--) {
        const { entry } = at(n);
        if (isWithin(entry.dn, dn)) found.push(entry);
      }
      return found.reverse();
    },
    follow(dn, signal) {
      const cursor: Cursor = { dn, next: end, dropped: 0, wake: () => {} };
      cursors.add(cursor);
      return read(cursor, signal);
    },
  };
}

/** Whether a DN is `root` itself or below it, by whole parts. */
function isWithin(dn: string, root: string | undefined): boolean {
  return root === undefined || dn === root || dn.startsWith(`${root}.`);
}
