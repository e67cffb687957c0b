/** Milliseconds between two writes: few enough that those which are lost, and stay for seconds, are in nobody's way. */
const INTERVAL = 50;

/**
 * Writes again and again, without waiting for what has become of the writes before: one that went to a leader that is
 * gone is lost, and etcd says so only after seconds.
 *
 * @param kill Ends the leader.
 * @param put Writes once.
 * @returns Milliseconds from the beginning of its end until a write was acknowledged that was sent after it; by then
 * all other writes have ended too.
 */
export async function nextWrite(
  kill: () => Promise<void>,
  put: () => Promise<unknown>,
): Promise<number> {
  const begin = performance.now();
  await kill();
  const first = Promise.withResolvers<number>();
  const writes: Promise<unknown>[] = [];
  const write = () => {
    const acknowledged = put().then(() =>
      first.resolve(performance.now() - begin)
    );
    writes.push(acknowledged.catch(() => {}));
  };
  write();
  const timer = setInterval(write, INTERVAL);
  const elapsed = await first.promise;
  clearInterval(timer);
  await Promise.all(writes);
  return elapsed;
}
