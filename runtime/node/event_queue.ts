import type * as v from "valibot";
import type { ProcessEvent } from "../services/process.ts";

type Event = v.InferOutput<typeof ProcessEvent>;

/** Characters of lines that may wait for their reader. */
const MAX_WAITING = 1024 * 1024;
/** What a line costs beside its characters. */
const LINE_COST = 100;

/**
 * What a process did and its reader has not taken yet. Lines that do not fit are counted and dropped, so that neither
 * is the process held up by a slow reader, nor does its log fill the memory.
 */
export class EventQueue {
  #events: Event[] = [];
  #waiting = 0;
  #dropped = 0;
  #arrived = Promise.withResolvers<void>();

  /** Adds an event; a line only if there is room. */
  add(event: Event): void {
    if (event.kind === "line") {
      const cost = event.text.length + LINE_COST;
      if (this.#dropped > 0 || this.#waiting + cost > MAX_WAITING) {
        this.#dropped++;
        return;
      }
      this.#waiting += cost;
    }
    this.#closeGap();
    this.#events.push(event);
    this.#arrived.resolve();
  }

  /** Waits for events and takes all there are, in order. */
  async take(): Promise<Event[]> {
    await this.#arrived.promise;
    this.#closeGap();
    const events = this.#events;
    this.#events = [];
    this.#waiting = 0;
    this.#arrived = Promise.withResolvers();
    return events;
  }

  /** Puts the number of dropped lines where they are missing. */
  #closeGap(): void {
    if (this.#dropped === 0) return;
    this.#events.push({ kind: "dropped", lines: this.#dropped });
    this.#dropped = 0;
  }
}
