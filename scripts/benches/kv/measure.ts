/** What to measure. */
export interface Writes {
  readonly puts: number;
  readonly inFlight: number;
}

/**
 * Measures writes of 100 bytes.
 *
 * @param writes How many.
 * @param put Writes one.
 * @returns How long they took together.
 */
export async function measure(
  { puts, inFlight }: Writes,
  put: (key: string, value: Uint8Array<ArrayBuffer>) => Promise<unknown>,
): Promise<{ milliseconds: number }> {
  const value = new Uint8Array(100);
  let started = 0;
  const start = performance.now();
  await Promise.all(Array.from({ length: inFlight }, async () => {
    while (started < puts) await put(`/bench/${started++ % 100}`, value);
  }));
  return { milliseconds: performance.now() - start };
}
