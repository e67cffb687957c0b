/** Where bytes go; `Deno.stderr` is one. */
export interface Destination {
  /** Writes some of the bytes and says how many. */
  write(bytes: Uint8Array): Promise<number>;
}

/** Text on its way out of the process. */
export interface Output {
  /** Queues text. Never waits and never throws: what does not fit any more is dropped. */
  write(text: string): void;
  /** Resolves when all that was queued is written, or cannot be. */
  flush(): Promise<void>;
}

/**
 * Creates an output that a slow or stopped reader, such as a paused pager, cannot hold the node up
 * with: the log of a node must not decide about its life.
 *
 * @param destination Where the text goes.
 * @param limit Characters that may wait. @default 1 Mi
 * @returns The output.
 */
export function createOutput(
  destination: Destination,
  limit: number = 1024 * 1024,
): Output {
  const encoder = new TextEncoder();
  let queue: string[] = [];
  let waiting = 0;
  let dropped = 0;
  let writing = Promise.resolve();
  let idle = true;

  async function writeAll(): Promise<void> {
    try {
      while (queue.length > 0 || dropped > 0) {
        if (dropped > 0) queue.push(`… ${dropped} lines dropped\n`);
        const bytes = encoder.encode(queue.join(""));
        queue = [];
        waiting = 0;
        dropped = 0;
        for (let written = 0; written < bytes.length;) {
          written += await destination.write(bytes.subarray(written));
        }
      }
    } catch {
      // The reader is gone, or the disk full: there is nobody left to tell.
      queue = [];
      waiting = 0;
      dropped = 0;
    } finally {
      // Here and not when the promise resolves: what is queued in between would wait for the next text.
      idle = true;
    }
  }

  return {
    write(text) {
      if (waiting + text.length > limit) {
        dropped++;
        return;
      }
      queue.push(text);
      waiting += text.length;
      if (!idle) return;
      idle = false;
      writing = writeAll();
    },
    flush: () => writing,
  };
}
