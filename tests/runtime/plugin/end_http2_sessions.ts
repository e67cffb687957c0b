// Ends sessions of HTTP/2 in order, once from each side, with `deferGoaway()` if that is its argument.
import { once } from "node:events";
import { type ClientHttp2Session, connect, createServer } from "node:http2";
import { deferGoaway } from "../../../mod.ts";

if (Deno.args[0] === "deferGoaway()") await deferGoaway();

const server = createServer((_, response) => void response.end());
server.listen(0, "127.0.0.1");
await once(server, "listening");
const address = server.address();
const port = typeof address === "object" ? address?.port : undefined;

async function open(): Promise<ClientHttp2Session> {
  const session = connect(`http://127.0.0.1:${port}`);
  const request = session.request();
  request.resume();
  await once(request, "close");
  return session;
}

{
  const accepted = once(server, "session");
  const session = await open();
  const closed = once(session, "close");
  const [other] = await accepted;
  // With data: the library frees that of a frame, too.
  other.goaway(0, 1, new TextEncoder().encode("graceful_stop"));
  await closed;
}
{
  const accepted = once(server, "session");
  const session = await open();
  const [other] = await accepted;
  const closed = once(other, "close");
  session.goaway(0, 0, new TextEncoder().encode("bye"));
  await closed;
}
Deno.stdout.writeSync(new TextEncoder().encode("Still there\n"));
Deno.exit();
