import dns from "node:dns";
import http from "node:http";
import http2 from "node:http2";
import net from "node:net";
import tls from "node:tls";
import { settled, type Tries } from "./attempt.ts";

/** What the probe is told to reach. */
export interface NetworkTargets {
  /** Ports of loopback that are open and that it was not granted. */
  readonly ports: readonly number[];
  /** Sockets of the node. */
  readonly sockets: readonly string[];
  /** A folder of the probe's own. */
  readonly own: string;
}

/** Ways to a TCP port of loopback. */
const toPort: Readonly<Record<string, (port: number) => unknown>> = {
  "Deno.connect": async (port) => (await Deno.connect({ port })).close(),
  "Deno.connect to 127.0.0.1": async (port) =>
    (await Deno.connect({ hostname: "127.0.0.1", port })).close(),
  "Deno.connectTls": async (port) => (await Deno.connectTls({ port })).close(),
  "net.connect": (port) =>
    settled((resolve, reject) => {
      const socket = net.connect(port, "127.0.0.1").on("error", reject)
        .on("connect", () => resolve(socket.destroy()));
    }),
  "tls.connect": (port) =>
    settled((resolve, reject) => {
      const socket = tls.connect(port, "127.0.0.1").on("error", reject)
        .on("secureConnect", () => resolve(socket.destroy()));
    }),
  "http.get": (port) =>
    settled((resolve, reject) =>
      http.get(`http://127.0.0.1:${port}`).on("error", reject)
        .on("response", (response) => resolve(response.resume()))
    ),
  "http2.connect": (port) =>
    settled((resolve, reject) => {
      const session = http2.connect(`http://127.0.0.1:${port}`)
        .on("error", reject).on("connect", () => resolve(session.destroy()));
    }),
  "fetch()": async (port) =>
    (await fetch(`http://127.0.0.1:${port}`)).body?.cancel(),
  "fetch() by a proxy": async (port) => {
    using client = Deno.createHttpClient({
      proxy: { transport: "tcp", hostname: "127.0.0.1", port },
    });
    return await (await fetch("http://192.0.2.1", { client })).text();
  },
  "WebSocket": (port) =>
    settled((resolve, reject) => {
      const socket = new WebSocket(`ws://127.0.0.1:${port}`);
      socket.onopen = resolve;
      socket.onerror = (event) =>
        reject(event instanceof ErrorEvent ? event.error : event);
    }),
};

/** Ways to a unix socket. */
const toSocket: Readonly<Record<string, (path: string) => unknown>> = {
  "Deno.connect": async (path) =>
    (await Deno.connect({ transport: "unix", path })).close(),
  "net.connect": (path) =>
    settled((resolve, reject) => {
      const socket = net.connect(path).on("error", reject)
        .on("connect", () => resolve(socket.destroy()));
    }),
  "http.get": (path) =>
    settled((resolve, reject) =>
      http.get({ socketPath: path, path: "/v1/status" }).on("error", reject)
        .on("response", (response) => resolve(response.resume()))
    ),
  "fetch() by a proxy": async (path) => {
    using client = Deno.createHttpClient({
      proxy: { transport: "unix", path },
    });
    return await (await fetch("http://localhost/v1/status", { client })).text();
  },
  "Deno.listen": (path) => Deno.listen({ transport: "unix", path }).close(),
};

/**
 * Every way into the network.
 *
 * @param targets What to reach.
 * @returns The tries.
 */
export function networkTries(targets: NetworkTargets): Tries {
  const { ports, sockets, own } = targets;
  return {
    ...Object.fromEntries(
      ports.flatMap((port) =>
        Object.entries(toPort).map(([name, way]) => [
          `${name} port ${port}`,
          () => way(port),
        ])
      ),
    ),
    ...Object.fromEntries(
      sockets.flatMap((path) =>
        Object.entries(toSocket).map(([name, way]) => [
          `${name} ${path}`,
          () => way(path),
        ])
      ),
    ),
    "Deno.listen": () => Deno.listen({ port: 0 }).close(),
    "Deno.listen on loopback": () =>
      Deno.listen({ hostname: "127.0.0.1", port: 0 }).close(),
    "Deno.listen on a socket of its own": () =>
      Deno.listen({ transport: "unix", path: `${own}/own.sock` }).close(),
    "Deno.serve": () => Deno.serve({ port: 0 }, () => new Response()),
    "Deno.resolveDns": () => Deno.resolveDns("localhost", "A"),
    "dns.lookup": () => dns.promises.lookup("example.invalid"),
    "net.Server": () =>
      settled((resolve, reject) => {
        const server = net.createServer().on("error", reject)
          .listen(0, () => resolve(server.close()));
      }),
    "net.Server on a socket of its own": () =>
      settled((resolve, reject) => {
        const server = net.createServer().on("error", reject)
          .listen(`${own}/own.sock`, () => resolve(server.close()));
      }),
  };
}

/**
 * The same ways to the port that the probe was granted.
 *
 * @param port Its number; HTTP is spoken there.
 * @returns The tries, none of which is refused.
 */
export function networkControls(port: number): Tries {
  const plain = [
    "Deno.connect to 127.0.0.1",
    "net.connect",
    "http.get",
    "fetch()",
  ];
  return Object.fromEntries(
    Object.entries(toPort).filter(([name]) => plain.includes(name)).map((
      [name, way],
    ) => [`${name} port ${port}`, () => way(port)]),
  );
}
