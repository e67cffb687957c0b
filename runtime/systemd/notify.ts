import type { NodeStatus } from "../status.ts";
import { Notices } from "./notices.ts";
import type { NotifySocket } from "./notify_socket.ts";

/** Of a node what systemd is told. */
export interface NotifyingNode {
  /** Resolves once it is ready for the first time. */
  readonly ready: Promise<void>;
  /** Resolves, or rejects, when it has ended. */
  readonly finished: Promise<void>;
  status(): Promise<Pick<NodeStatus, "ready" | "plugins">>;
  onChange(listener: () => void): () => void;
}

/** Between two signs of life, in milliseconds, where the watchdog does not want them more often. */
const BEAT_MS = 10_000;
/** For how long systemd is to wait for the next sign of a node that starts or ends, in milliseconds. */
const PATIENCE_MS = 60_000;

/**
 * Tells systemd how a node is, until it has ended: that it is ready, that it ends, and regularly that its event loop
 * turns. A node may wait for others for as long as it takes, so while it starts or ends, a sign of life gives it more
 * time.
 *
 * @param node The node.
 * @param socket Where systemd listens.
 * @param stopping Aborts when the node is told to end.
 */
export async function notifySystemd(
  node: NotifyingNode,
  socket: NotifySocket,
  stopping: AbortSignal,
): Promise<void> {
  using notices = new Notices(socket);
  let running = false;
  const beat = () => {
    notices.tell(
      running && !stopping.aborted
        ? "WATCHDOG=1"
        : `WATCHDOG=1\nEXTEND_TIMEOUT_USEC=${PATIENCE_MS * 1000}`,
    );
  };
  const interval = Math.min(BEAT_MS, (socket.watchdog ?? Infinity) / 3);
  const timer = setInterval(beat, interval);
  const tellStatus = async () => {
    const { ready, plugins } = await node.status();
    const count = plugins.filter(({ state }) => state === "ready").length;
    notices.tell(
      `STATUS=${
        ready ? "Ready" : "Not ready"
      }: ${count} of ${plugins.length} plugins ready`,
    );
  };
  const unsubscribe = node.onChange(() => void tellStatus());
  const stop = () => {
    notices.tell("STOPPING=1");
    beat();
  };
  stopping.addEventListener("abort", stop, { once: true });
  void node.ready.then(() => {
    running = true;
    if (!stopping.aborted) notices.tell("READY=1");
  });
  beat();
  void tellStatus();
  // What it ended with is told by whoever waits for that.
  await node.finished.catch(() => {});
  clearInterval(timer);
  unsubscribe();
  stopping.removeEventListener("abort", stop);
}
