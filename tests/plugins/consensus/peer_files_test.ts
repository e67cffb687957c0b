import assert from "node:assert/strict";
import { ca, type Client, FatalError, type Logger } from "../../../mod.ts";
import { createService } from "../../../plugins/ca/service.ts";
import { openState } from "../../../plugins/ca/state_on_disk.ts";
import {
  type EtcdFiles,
  etcdFiles,
} from "../../../plugins/consensus/etcd_files.ts";
import {
  checkPeerFiles,
  writePeerFiles,
} from "../../../plugins/consensus/peer_files.ts";
import { connect } from "../../../runtime/broker/client.ts";
import { messagePortTransport } from "../../../runtime/broker/message_port_transport.ts";
import { Refusals } from "../../../runtime/broker/refusals.ts";
import { serve } from "../../../runtime/broker/server.ts";
import { run } from "../../support/process.ts";
import { tempFolder } from "../../support/temp.ts";
import { keepAlive } from "./harness.ts";

/** Keeps the warnings. */
class Warnings implements Logger {
  readonly all: string[] = [];
  warn(message: string): void {
    this.all.push(message);
  }
  debug(): void {}
  info(): void {}
  error(): void {}
}

/** A node before its first start, and the authorities of its cluster. */
interface FirstStart extends AsyncDisposable {
  readonly files: EtcdFiles;
  readonly authorities: Client<typeof ca>;
  /** Writes the files. */
  write(): Promise<Uint8Array>;
}

async function firstStart(): Promise<FirstStart> {
  await using cleanup = new AsyncDisposableStack();
  cleanup.use(keepAlive());
  const { path: data } = cleanup.use(await tempFolder());
  const files = etcdFiles({ data, run: data });
  const state = {
    pending: `${data}/pending.json`,
    sealKey: `${data}/seal.key`,
  };
  const { implementation } = createService(
    await openState(state, "make"),
    state,
    new Warnings(),
  );
  const { port1, port2 } = new MessageChannel();
  const served = serve(ca, implementation, messagePortTransport(port1), {
    user: { name: "consensus", scope: undefined },
    refusals: new Refusals(() => {}),
  });
  cleanup.defer(async () => {
    served.close();
    await served.finished;
  });
  const authorities = connect(ca, messagePortTransport(port2));
  const end = cleanup.move();
  return {
    files,
    authorities,
    write: () =>
      writePeerFiles({
        files,
        authorities,
        name: "hamlet-1",
        address: "127.0.0.1",
        signal: new AbortController().signal,
      }),
    [Symbol.asyncDispose]: () => end.disposeAsync(),
  };
}

Deno.test("writePeerFiles() writes what openssl and checkPeerFiles() take", async () => {
  await using start = await firstStart();
  const { files } = start;
  const authority = await start.write();
  const { stdout } = await run("openssl", [
    "verify",
    "-CAfile",
    files.ca,
    "-crl_check",
    "-CRLfile",
    files.crl,
    files.cert,
  ]);
  assert.equal(stdout, `${files.cert}: OK\n`);
  for (const file of [files.ca, files.cert, files.key, files.crl]) {
    assert.equal(((await Deno.stat(file)).mode ?? 0) & 0o777, 0o600, file);
  }
  const log = new Warnings();
  assert.deepEqual(await checkPeerFiles(files, log), authority);
  assert.deepEqual(log.all, []);
});

Deno.test("writePeerFiles() takes up what an earlier start has finished, and does the rest again", async () => {
  await using start = await firstStart();
  const { files } = start;
  const read = () =>
    Promise.all(
      [files.ca, files.key, files.cert].map((file) => Deno.readTextFile(file)),
    );
  await start.write();
  const first = await read();
  await start.write();
  assert.deepEqual(await read(), first);
  // The certificate comes last: without it, the key may be of another.
  await Deno.remove(files.cert);
  await start.write();
  const [authority, ...others] = await read();
  assert.equal(authority, first[0]);
  for (const other of others) assert.ok(!first.includes(other));
  await checkPeerFiles(files, new Warnings());
});

Deno.test("checkPeerFiles() names the file that is missing or damaged, and changes nothing", async () => {
  await using start = await firstStart();
  await using other = await firstStart();
  const { files } = start;
  await start.write();
  await other.write();
  const foreign = async (file: "ca" | "cert" | "key") =>
    await Deno.readTextFile(other.files[file]);
  const damage: [file: "ca" | "cert" | "key", content: string | undefined][] = [
    ["ca", undefined],
    ["ca", ""],
    ["ca", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"],
    ["cert", undefined],
    ["cert", "\0\0\0\0"],
    ["cert", await foreign("cert")],
    ["key", undefined],
    ["key", "garbage"],
    ["key", await foreign("key")],
  ];
  for (const [file, content] of damage) {
    const path = files[file];
    const good = await Deno.readTextFile(path);
    if (content === undefined) await Deno.remove(path);
    else await Deno.writeTextFile(path, content);
    await assert.rejects(
      checkPeerFiles(files, new Warnings()),
      (error) =>
        error instanceof FatalError &&
        error.message.startsWith(`Cannot start etcd with "${path}": `) &&
        error.message.includes("restore the file from a copy"),
    );
    const left = await Deno.readTextFile(path).catch(() => undefined);
    assert.equal(left, content);
    await Deno.writeTextFile(path, good);
  }
  await Deno.writeTextFile(files.ca, await foreign("ca"));
  await assert.rejects(checkPeerFiles(files, new Warnings()), {
    name: "FatalError",
    message: /its issuer is not the one in/,
  });
});

Deno.test("checkPeerFiles() only warns of a missing revocation list, which comes back by itself", async () => {
  await using start = await firstStart();
  const { files } = start;
  await start.write();
  await Deno.remove(files.crl);
  const log = new Warnings();
  await checkPeerFiles(files, log);
  assert.match(log.all.join(), new RegExp(`revocation list "${files.crl}"`));
});

Deno.test("checkPeerFiles() refuses a damaged revocation list", async () => {
  await using start = await firstStart();
  const { files } = start;
  await start.write();
  for (const content of [[], [0x30, 0x80]]) {
    await Deno.writeFile(files.crl, new Uint8Array(content));
    await assert.rejects(checkPeerFiles(files, new Warnings()), {
      name: "FatalError",
      message: /revocation list .* is damaged; remove the file/,
    });
  }
});
