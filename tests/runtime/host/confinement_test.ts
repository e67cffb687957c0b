import assert from "node:assert/strict";
import { pathToFileURL } from "node:url";
import { type TempFolder, tempFolder } from "../../support/temp.ts";
import { Harness, type PluginParts } from "./harness.ts";

/** What no plugin of these tests is granted. */
const SECRET = "/etc/passwd";

/** A plugin that says in the log what a module came to. */
const saying = (prelude: string, value: string) => `
  ${prelude}
  import { definePlugin } from "${import.meta.resolve("../../../mod.ts")}";
  export default definePlugin({
    run(ctx) {
      ctx.log.info("Loaded {value}", { value: String(${value}) });
      ctx.done();
      return Promise.resolve();
    },
  });
`;

/** Starts a plugin of these files, of which `mod.ts` is its module, and waits until it has said or died of something. */
async function outcome(
  folder: TempFolder,
  files: Record<string, string>,
  module = "mod.ts",
): Promise<string> {
  for (const [name, text] of Object.entries(files)) {
    await Deno.writeTextFile(`${folder.path}/${name}`, text);
  }
  await using harness = new Harness();
  harness.start("a", pathToFileURL(`${folder.path}/${module}`));
  await harness.untilLogged(/^(Loaded|Died)/);
  const { message = "", properties } =
    harness.logged.find(({ message }) => /^(Loaded|Died)/.test(message)) ?? {};
  return message.replace("{value}", () => String(properties?.value));
}

const mayNotRead = (path: string) =>
  new RegExp(
    `^Died.*Plugin "a" may not read "${path}": deno.json would allow it with plugins.a.permissions.read`,
  );

for (
  const [what, prelude, value, refused] of [
    [
      "the text of a file",
      `import x from "${SECRET}" with { type: "text" };`,
      "x",
      SECRET,
    ],
    [
      "JSON",
      `import x from "${
        import.meta.resolve("../../../deno.json")
      }" with { type: "json" };`,
      "x",
      "/.*/deno.json",
    ],
    [
      "another plugin",
      `import x from "${import.meta.resolve("./fixtures/remote.ts")}";`,
      "x",
      "/.*/remote.ts",
    ],
    [
      "the node's own code",
      `import * as x from "${
        import.meta.resolve("../../../runtime/node/node.ts")
      }";`,
      "x",
      "/.*/node.ts",
    ],
    [
      "by way of a data: URL",
      `import x from "data:text/javascript,export { default } from 'file://${SECRET}' with { type: 'text' }";`,
      "x",
      SECRET,
    ],
    [
      "by a literal import()",
      `const x = await import("${SECRET}", { with: { type: "text" } });`,
      "x.default",
      SECRET,
    ],
    [
      "by a computed import()",
      `const x = await import(["${SECRET}"].join(""), { with: { type: "text" } });`,
      "x.default",
      SECRET,
    ],
    [
      "through a symbolic link beside the plugin",
      `import x from "./link" with { type: "text" };`,
      "x",
      SECRET,
    ],
  ] as const
) {
  Deno.test(`hostPlugin() refuses a plugin that imports ${what}`, async () => {
    await using folder = await tempFolder();
    await Deno.symlink(SECRET, `${folder.path}/link`);
    assert.match(
      await outcome(folder, { "mod.ts": saying(prelude, value) }),
      mayNotRead(refused),
    );
  });
}

Deno.test("hostPlugin() refuses a plugin that imports over the network, which is not even asked", async () => {
  await using folder = await tempFolder();
  let asked = 0;
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    () => {
      asked++;
      return new Response("export default 1", {
        headers: { "content-type": "text/javascript" },
      });
    },
  );
  const url = `http://127.0.0.1:${server.addr.port}/x.js`;
  for (
    const prelude of [
      `import x from "${url}";`,
      `const { default: x } = await import("${url}");`,
    ]
  ) {
    assert.match(
      await outcome(folder, { "mod.ts": saying(prelude, "x") }),
      /^Died.*127\.0\.0\.1/,
    );
  }
  assert.equal(asked, 0);
});

Deno.test("hostPlugin() lets a plugin import what lies beside its mod.ts, packages of npm and parts of Node", async () => {
  await using folder = await tempFolder();
  const prelude = `
    import beside from "./beside.ts";
    import * as v from "valibot";
    import { basename } from "node:path";
    import data from "data:text/javascript,export default 'data'";
  `;
  assert.equal(
    await outcome(folder, {
      "mod.ts": saying(
        prelude,
        '[beside, typeof v.object, basename("/a/b"), data]',
      ),
      "beside.ts": 'export default "beside";',
    }),
    "Loaded beside,function,b,data",
  );
});

Deno.test("hostPlugin() lets a module that is no mod.ts read itself alone", async () => {
  await using folder = await tempFolder();
  const beside = { "beside.ts": 'export default "beside";' };
  assert.match(
    await outcome(folder, {
      "single.ts": saying('import x from "./beside.ts";', "x"),
      ...beside,
    }, "single.ts"),
    mayNotRead(`${folder.path}/beside.ts`),
  );
});

/** Tries something in a plugin, and returns what it was told: the value, or the error. */
async function attempt(
  code: string,
  parts: PluginParts = {},
): Promise<string> {
  await using harness = new Harness();
  const run = await harness.startRemote("a", parts);
  const told = await run(
    `try { return String(await (async () => { ${code} })()); } catch (error) { return String(error); }`,
  );
  return String(told);
}

for (
  const [what, code] of [
    ["read a file", `return Deno.readTextFileSync("${SECRET}")`],
    [
      "read a file as Node does",
      `return (await import("node:fs")).readFileSync("${SECRET}")`,
    ],
    ["write a file", 'Deno.writeTextFileSync("/tmp/hamlet-none", "")'],
    ["connect", 'await Deno.connect({ hostname: "127.0.0.1", port: 9 })'],
    ["fetch", 'await fetch("http://127.0.0.1:8/")'],
    ["fetch a file", `await fetch("file://${SECRET}")`],
    ["listen", 'Deno.listen({ hostname: "127.0.0.1", port: 0 })'],
    ["read an environment variable", 'return Deno.env.get("HOME")'],
    ["read all environment variables", "return Deno.env.toObject()"],
    ["ask for the host name", "return Deno.hostname()"],
    ["ask for the network interfaces", "return Deno.networkInterfaces()"],
    ["run a program", 'new Deno.Command("true").outputSync()'],
    [
      "run a program as Node does",
      '(await import("node:child_process")).execSync("true")',
    ],
    ["load a library", 'Deno.dlopen("libc.so.6", {})'],
    [
      "start a Worker with more rights",
      'new Worker("data:text/javascript,", { type: "module", deno: { permissions: { read: true } } })',
    ],
    [
      "start a Worker with another file",
      `new Worker("data:text/javascript,", { type: "module", deno: { permissions: { read: ["${SECRET}"] } } })`,
    ],
  ] as const
) {
  Deno.test(`hostPlugin() gives no plugin the right to ${what}`, async () => {
    assert.match(
      await attempt(code),
      /^(NotCapable|.*Requires \w+ access|.*Can't escalate parent thread permissions)/,
    );
  });
}

for (
  const [what, url, options] of [
    [
      "that inherits",
      `data:text/javascript,postMessage(Deno.readTextFileSync("${SECRET}"))`,
      '{ deno: { permissions: "inherit" } }',
    ],
    [
      "by default",
      `data:text/javascript,postMessage(Deno.readTextFileSync("${SECRET}"))`,
      "{}",
    ],
    [
      "whose entry imports literally",
      `data:text/javascript,import x from "file://${SECRET}" with { type: "text" }; postMessage(x)`,
      "{}",
    ],
    [
      "whose entry imports literally later",
      `data:text/javascript,postMessage((await import("file://${SECRET}", { with: { type: "text" } })).default)`,
      "{}",
    ],
    ["whose entry is the file", `file://${SECRET}`, "{}"],
  ] as const
) {
  Deno.test(`hostPlugin() gives no more rights to a Worker of a plugin ${what}`, async () => {
    const told = await attempt(`
      const worker = new Worker(${
      JSON.stringify(url)
    }, { type: "module", ...${options} });
      return await new Promise((resolve) => {
        worker.onmessage = ({ data }) => resolve(data);
        worker.onerror = (event) => {
          event.preventDefault();
          resolve(event.message);
        };
      });
    `);
    assert.match(told, /Requires read access to "\/etc\/passwd"/);
  });
}

Deno.test("hostPlugin() gives a plugin what it was granted, to the file", async () => {
  await using folder = await tempFolder();
  const [granted, other] = [`${folder.path}/granted`, `${folder.path}/other`];
  await Deno.writeTextFile(granted, "content");
  await Deno.writeTextFile(other, "content");
  const parts = { permissions: { read: [granted], write: [granted] } };
  assert.equal(
    await attempt(`return Deno.readTextFileSync("${granted}")`, parts),
    "content",
  );
  assert.match(
    await attempt(`return Deno.readTextFileSync("${other}")`, parts),
    /^NotCapable/,
  );
});

Deno.test("hostPlugin() gives a plugin no way to ask the operator for more", async () => {
  assert.notEqual(
    await attempt(
      'return (await Deno.permissions.request({ name: "read" })).state',
    ),
    "granted",
  );
});
