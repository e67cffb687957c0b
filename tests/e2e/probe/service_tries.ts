import {
  ca,
  cluster,
  hostname,
  kv,
  network,
  process,
  type Service,
} from "hamlet";
import type { ServiceContext, Tries } from "./attempt.ts";

/** What the probe is told to ask services for. */
export interface ServiceTargets {
  /** Keys of other plugins. */
  readonly keys: readonly string[];
  /** A lease that somebody else holds. */
  readonly lease: string;
}

const value = new Uint8Array([1]);

/**
 * Services, methods and keys that the probe does not declare, and inputs that no contract has.
 *
 * @param ctx The probe's context.
 * @param targets What to ask for.
 * @returns The tries.
 */
export function serviceTries(
  ctx: ServiceContext,
  targets: ServiceTargets,
): Tries {
  const own = `/${ctx.dn.slice("root.".length)}/`;
  const store = () => ctx.use(kv);
  const raw = async (method: string, input: unknown) =>
    await take(Reflect.get(await store(), method)(input));
  const outside = targets.keys.flatMap((key) =>
    [
      ["range", { key }],
      ["put", { key, value }],
      ["delete", { key }],
      ["watch", { key }],
      ["txn", { compare: [{ key, target: "mod", is: "=", than: 0 }] }],
      ["txn", { success: [{ put: { key, value } }] }],
      ["txn", { failure: [{ delete: { key } }] }],
      ["txn", { success: [{ range: { key } }] }],
      ["txn", { failure: [{ delete: { prefix: key } }] }],
    ] as const
  );
  const border = own.slice(0, -1);
  return {
    ...Object.fromEntries(
      [ca, hostname, network, { ...kv, name: "root" }, { ...kv, name: "nodes" }]
        .map((service: Service) => [
          `use ${service.name}`,
          () => ctx.use(service),
        ]),
    ),
    "use a name of every object": () => ctx.use({ ...kv, name: "constructor" }),
    "use a name that changes": () => {
      const names = ["other"];
      return ctx.use({
        ...kv,
        get name() {
          return names.shift() ?? "ca";
        },
      } as Service);
    },
    "provide kv": () => ctx.provide({ ...kv, methods: {} }, {}),
    "provide ca": () => ctx.provide({ ...ca, methods: {} }, {}),
    "provide process": () => ctx.provide({ ...process, methods: {} }, {}),

    ...Object.fromEntries(outside.map(([method, input], index) => [
      `kv.${method} ${JSON.stringify(input)} (${index})`,
      () => raw(method, input),
    ])),
    "kv.range before its prefix": () => raw("range", { prefix: border }),
    "kv.range of its prefix without the slash": () =>
      raw("range", { key: border }),
    "kv.range beyond its prefix": () => raw("range", { prefix: `${border}0` }),
    "kv.range of everything": () => raw("range", { prefix: "/" }),
    "kv.range from another place": () =>
      raw("range", { prefix: own, from: "/etcd-ca/" }),
    "kv.range of another end": () =>
      raw("range", { prefix: own, range_end: "\0" }),
    "kv.range of no key": () => raw("range", { key: "" }),
    "kv.range of no prefix": () => raw("range", { prefix: "" }),
    "kv.range of a zero byte": () => raw("range", { key: "\0" }),
    "kv.range of both": () =>
      raw("range", { key: `${own}a`, prefix: "/etcd-ca/" }),
    "kv.watch before its prefix": () => raw("watch", { prefix: border }),
    "kv.delete of everything": () => raw("delete", { prefix: "/" }),
    "kv.delete of no prefix": () => raw("delete", { prefix: "" }),
    "kv.put of a key that UTF-8 cannot write": () =>
      raw("put", { key: `${own}\ud800`, value }),
    "kv.put of a long key": () =>
      raw("put", { key: own + "x".repeat(5_000), value }),
    "kv.put with a lease of somebody else": () =>
      raw("put", { key: `${own}leased`, value, lease: targets.lease }),
    "kv.put with a lease that nobody has": () =>
      raw("put", { key: `${own}leased`, value, lease: "1" }),
    "kv.put beyond the quota": async () => {
      const big = new Uint8Array(1024 * 1024);
      for (let i = 0; i < 3; i++) {
        await raw("put", { key: `${own}big/${i}`, value: big });
      }
    },
    "cluster.promote": async () =>
      await (await ctx.use(cluster)).promote({ id: "1" }),
    "cluster.status": async () => await (await ctx.use(cluster)).status({}),
    "process.run of a shell": async () =>
      await take(
        (await ctx.use(process)).run({ program: "sh", args: ["-c", "true"] }),
      ),
    "process.run of etcd": async () =>
      await take(
        (await ctx.use(process)).run({ program: "etcd", args: ["--version"] }),
      ),
    "process.run of a path": async () =>
      await take(
        (await ctx.use(process)).run({ program: "/bin/true", args: [] }),
      ),
    "process.run with another argument": async () =>
      await take(
        (await ctx.use(process)).run({ program: "true", args: ["--help"] }),
      ),
    "process.run with an argument that goes on": async () =>
      await take(
        (await ctx.use(process)).run({
          program: "true",
          args: ["--granted\0x"],
        }),
      ),
    "process.run of a name of every object": async () =>
      await take(
        (await ctx.use(process)).run({ program: "constructor", args: [] }),
      ),

    "input that is no object": () => raw("put", "key"),
    "input of another class": () => raw("put", new Map([["key", own]])),
    "input with a function": () => raw("put", { key: own, value: () => 1 }),
    "input with a symbol": () => raw("put", { key: Symbol.iterator, value }),
    "input with a port": () =>
      raw("put", { key: own, value: new MessageChannel().port1 }),
    "input with shared memory": () =>
      raw("put", { key: own, value: new SharedArrayBuffer(8) }),
    "input with fields that nobody knows": () =>
      raw("put", { key: `${own}a`, value, name: "ca", scope: { keys: [""] } }),
    "input that contains itself": () => {
      const input: Record<string, unknown> = { key: own };
      input.value = input;
      return raw("put", input);
    },
    "input that is too deep": () => {
      let input: unknown = value;
      for (let i = 0; i < 100_000; i++) input = [input];
      return raw("put", { key: own, value: input });
    },
    "input that throws": () =>
      raw("put", {
        get key() {
          throw new Error("Not permitted to look: a getter");
        },
      }),
    "input that is a proxy": () => raw("put", new Proxy({ key: own }, {})),
    "input of 100 MB": () =>
      raw("put", { key: `${own}a`, value: new Uint8Array(100_000_000) }),
    "input of many parts": () =>
      raw("txn", {
        success: Array.from({ length: 1_000_000 }, () => ({})),
      }),
    "input that is a sparse list": () =>
      raw("txn", { success: Array(2 ** 31) }),
  };
}

/**
 * What of all this the probe was granted.
 *
 * @param ctx The probe's context.
 * @returns The tries, none of which is refused.
 */
export function serviceControls(ctx: ServiceContext): Tries {
  const own = `/${ctx.dn.slice("root.".length)}/`;
  return {
    "kv.put": async () => {
      const store = await ctx.use(kv);
      await store.put({ key: `${own}a`, value });
      const { kvs } = await store.range({ prefix: own, from: `${own}a` });
      if (kvs.length === 0) throw new Error("It is not there");
    },
    "kv.txn": async () =>
      await (await ctx.use(kv)).txn({
        compare: [{ key: `${own}a`, target: "mod", is: ">", than: 0 }],
        success: [{ put: { key: `${own}b`, value } }],
      }),
    "kv.watch": async () =>
      await take((await ctx.use(kv)).watch({ prefix: own })),
    "kv.lease": async () => {
      const store = await ctx.use(kv);
      for await (const { lease } of store.lease({ ttl: 60 })) {
        return await store.put({ key: `${own}leased`, value, lease });
      }
    },
    "cluster.members": async () => await (await ctx.use(cluster)).members({}),
    "process.run": async () =>
      await take(
        (await ctx.use(process)).run({ program: "true", args: ["--granted"] }),
      ),
  };
}

/** The answer of a call, or the first item of a stream. */
async function take(answer: unknown): Promise<unknown> {
  if (typeof answer !== "object" || answer === null) return answer;
  if (!(Symbol.asyncIterator in answer)) return await answer;
  for await (const item of answer as AsyncIterable<unknown>) return item;
}
