// deno-lint-ignore-file no-console -- tells the test that started it

/** Listens as systemd does, and writes each datagram as a line of JSON; to be run with `--unstable-net`. */
const [path = ""] = Deno.args;
const socket = Deno.listenDatagram({ transport: "unixpacket", path });
console.log(JSON.stringify("listening"));
for await (const [bytes] of socket) {
  console.log(JSON.stringify(new TextDecoder().decode(bytes)));
}
