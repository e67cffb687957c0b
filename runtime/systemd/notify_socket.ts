/** What systemd wants to be told by a service, sd_notify(3). */
export interface NotifySocket extends Disposable {
  /** Milliseconds within which systemd wants to hear of the service again; undefined where it does not. */
  readonly watchdog: number | undefined;
  /**
   * Tells systemd something.
   *
   * @param state Assignments such as `READY=1`, one a line.
   * @returns Whether it was taken: not where too much waits for systemd already, or nobody listens any more.
   */
  tell(state: string): boolean;
}

// As Linux numbers them, on every architecture that Deno runs on.
const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const MSG_NOSIGNAL = 0x4000;
/** sockaddr_un has room for so many bytes, unix(7). */
const MAX_PATH = 108;

/**
 * Opens the socket at which systemd wants to be told how this process is. Deno has sockets for datagrams only as an
 * unstable interface, which every plugin would then have too, and a program such as systemd-notify to be run every few
 * seconds is no sign that this one is alive.
 *
 * @param env The environment.
 * @returns The socket, or undefined where systemd has not started this process as a service that notifies it.
 */
export function openNotifySocket(
  env: Readonly<Record<string, string | undefined>>,
): NotifySocket | undefined {
  const { NOTIFY_SOCKET: path = "", WATCHDOG_USEC, WATCHDOG_PID } = env;
  const address = addressOf(path);
  if (address === undefined) return undefined;
  const libc = Deno.dlopen("libc.so.6", {
    socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
    sendto: {
      parameters: ["i32", "buffer", "usize", "i32", "buffer", "u32"],
      result: "isize",
    },
    close: { parameters: ["i32"], result: "i32" },
  });
  const { socket, sendto, close } = libc.symbols;
  const descriptor = socket(
    AF_UNIX,
    SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
    0,
  );
  const watched = WATCHDOG_PID === undefined ||
    WATCHDOG_PID === String(Deno.pid);
  const watchdog = watched ? Number(WATCHDOG_USEC ?? "0") / 1000 : 0;
  return {
    watchdog: watchdog > 0 ? watchdog : undefined,
    tell(state) {
      const bytes = new TextEncoder().encode(state);
      const length = BigInt(bytes.length);
      const sent = sendto(
        descriptor,
        bytes,
        length,
        MSG_NOSIGNAL,
        address,
        address.length,
      );
      return sent === length;
    },
    [Symbol.dispose]() {
      close(descriptor);
      libc.close();
    },
  };
}

/** A sockaddr_un; undefined for what is none. */
function addressOf(path: string): Uint8Array<ArrayBuffer> | undefined {
  // A name that is no file begins with a zero byte, which is written as "@".
  if (!/^[/@]./.test(path)) return undefined;
  const bytes = new TextEncoder().encode(path.replace(/^@/, "\0"));
  if (bytes.length >= MAX_PATH) return undefined;
  const address = new Uint8Array(2 + bytes.length);
  new Uint16Array(address.buffer, 0, 1)[0] = AF_UNIX;
  address.set(bytes, 2);
  return address;
}
