import dgram from "node:dgram";
import process from "node:process";
import { kv, type PluginContext } from "hamlet";
import { capturePorts } from "./forged_tries.ts";

/** Something that a plugin does to the node, or to itself. */
export type Deed = (ctx: PluginContext) => unknown;

const now = () => Date.now();
/** What a plugin that has done its deed waits for. */
const end = ({ signal }: PluginContext) =>
  new Promise<void>((resolve) =>
    signal.addEventListener("abort", () => resolve())
  );
const hundredMegabytes = () => "x".repeat(100_000_000);

/** Deeds that a plugin does not survive; it is started again. */
export const deadly = {
  "log-of-another": (ctx) =>
    tell(ctx, {
      kind: "log",
      record: {
        time: now(),
        level: "error",
        dn: "root.consensus",
        message: "Forged by the probe",
      },
    }),
  "state-of-another": (ctx) =>
    tell(ctx, {
      kind: "runnable",
      change: {
        dn: "root.ca",
        state: "DEAD",
        restarts: 9,
        since: now(),
        error: "Forged by the probe",
      },
    }),
  "name-like-another": (ctx) =>
    tell(ctx, {
      kind: "log",
      record: {
        time: now(),
        level: "error",
        dn: `${ctx.dn}\n\x1b[2Jroot.consensus`,
        message: "Forged by the probe",
      },
    }),
  "provider-of-ca": (ctx) => tell(ctx, { kind: "provide", service: "ca" }),
  "provider-of-kv": (ctx) => tell(ctx, { kind: "provide", service: "kv" }),
  "host-talk": (ctx) =>
    tell(ctx, {
      kind: "serve",
      connection: 1,
      service: "kv",
      user: { name: "ca", scope: { keys: [""] } },
    }),
  "no-talk": (ctx) => tell(ctx, 42),
  "talk-without-end": (ctx) => post(ctx, Array(2 ** 32 - 1)),
  "exit": () => Deno.exit(0),
  "process-exit": () => process.exit(0),
  "close": () => self.close(),
  "unhandled-rejection": (ctx) => {
    void Promise.reject(new Error("Nobody awaits this"));
    return end(ctx);
  },
  "odd-error": (ctx) => {
    class OddError extends Error {
      override get message(): string {
        throw new OddError();
      }
      override get name(): string {
        throw new OddError();
      }
    }
    void Promise.reject(new OddError());
    return end(ctx);
  },
  "giant-error": () => {
    throw new Error(hundredMegabytes());
  },
  "endless-recursion": () => {
    const recurse = (): number => recurse() + 1;
    return recurse();
  },
  "denied-bind": (ctx) => {
    dgram.createSocket("udp4").bind(0);
    return end(ctx);
  },
} satisfies Record<string, Deed>;

/** The one deed after which a plugin starts again only with the node: nobody can end its thread in order any more. */
export const final = {
  "hang-up": (ctx) => post(ctx, null),
} satisfies Record<string, Deed>;

/** Deeds that a plugin and the node live on with. */
export const noisy = {
  "log lines without end": (ctx) => {
    for (let i = 0; i < 200_000; i++) {
      ctx.log.error(`\x1b[2J\x1b[31mroot.consensus\n{"dn":"root.ca"} ${i}`, {
        [`\x1b]0;title\x07`]: "x".repeat(100),
      });
    }
  },
  "a log line of 100 MB": (ctx) => ctx.log.info(hundredMegabytes()),
  "a log line of 100 MB, forged": (ctx) =>
    forgeLog(ctx, hundredMegabytes(), { port: 1 }),
  "a log line with a port": async (ctx) => {
    const { port1 } = new MessageChannel();
    await forgeLog(ctx, "With a port", { port1 }, [port1]);
  },
  "console lines": () => {
    // deno-lint-ignore no-console -- what it does is what is tried
    console.log('\x1b[2J{"dn":"root.ca","level":"error","message":"Forged"}');
  },
  "readiness that flaps": (ctx) => {
    for (let i = 0; i < 50_000; i++) {
      ctx.unready(`Flapping ${i}`);
      ctx.ready();
    }
  },
  "a reason of 100 MB": (ctx) => {
    ctx.unready(`\x1b[2J${hundredMegabytes()}`);
  },
  "ready again": (ctx) => ctx.ready(),
  "10,000 children": async (ctx) => {
    const started: Promise<void>[] = [];
    for (let i = 0; i < 10_000; i++) {
      const { promise, resolve } = Promise.withResolvers<void>();
      started.push(promise);
      ctx.run(`child-${i}`, async (child) => {
        child.healthy();
        resolve();
        await new Promise((done) =>
          child.signal.addEventListener("abort", done)
        );
      });
    }
    await Promise.all(started);
  },
  "100,000 calls in flight": async (ctx) => {
    const store = await ctx.use(kv);
    const key = `/${ctx.dn.slice(5)}/in-flight`;
    return await countRefused(100_000, () => store.range({ key }));
  },
  "1,000 calls with 1 MB each": async (ctx) => {
    const store = await ctx.use(kv);
    const key = `/${ctx.dn.slice(5)}/in-flight`;
    const value = new Uint8Array(1024 * 1024);
    return await countRefused(1_000, () => store.put({ key, value }));
  },
  "200 connections": async (ctx) => {
    const { control } = await capturePorts(ctx);
    for (let i = 0; i < 200; i++) {
      control.postMessage([{ kind: "use", request: 2e9 + i, service: "kv" }]);
    }
  },
} satisfies Record<string, Deed>;

/** Makes calls all at once. */
async function countRefused(
  count: number,
  call: () => Promise<unknown>,
): Promise<number> {
  const refused = await Promise.all(
    Array.from({ length: count }, () => call().then(() => 0, () => 1)),
  );
  return refused.reduce((sum, one) => sum + one, 0);
}

/** Hands the host a record over its own port, whatever is in it. */
async function forgeLog(
  ctx: PluginContext,
  message: string,
  properties: Record<string, unknown>,
  transfer: Transferable[] = [],
): Promise<void> {
  const { control } = await capturePorts(ctx);
  control.postMessage([{
    kind: "log",
    record: { time: now(), level: "info", dn: ctx.dn, message, properties },
  }], transfer);
}

/** Says something to the host over its own port. */
function tell(ctx: PluginContext, message: unknown): Promise<void> {
  return post(ctx, [message]);
}

/** The same, not as the runtime does it. */
async function post(ctx: PluginContext, message: unknown): Promise<void> {
  const { control } = await capturePorts(ctx);
  control.postMessage(message);
  return await end(ctx);
}
