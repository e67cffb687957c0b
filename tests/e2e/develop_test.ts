import assert from "node:assert/strict";
import { makeDistribution, writeManifest } from "./probe/distribution.ts";
import { inParallel } from "./support/in_parallel.ts";
import {
  isCompiled,
  type NodeFolders,
  nodeFolders,
  NodeProcess,
} from "./support/node_process.ts";

/** What an author's plugin does once it runs; without errors it becomes ready. */
function plugin(body: string): string {
  return `
    import { definePlugin, hostname } from "hamlet";
    export default definePlugin({
      async run(ctx) {
        ${body}
        ctx.log.info("Got everything");
        ctx.ready();
        await new Promise((resolve) => ctx.signal.addEventListener("abort", resolve));
      },
    });
  `;
}

/** An entry of the manifest, as an author writes it. */
type Entry = Record<string, unknown>;

const plain: Entry = { module: "./mine/mod.ts", isolation: "worker" };

/** Starts the author's plugin alone: what it needs of the node is there without etcd. */
async function develop(
  folders: NodeFolders,
  code: string,
  entry: Entry,
): Promise<{ manifest: string; start: () => NodeProcess }> {
  const { manifest } = await makeDistribution(folders, {
    files: { "mine/mod.ts": code, "other.ts": "export default 1;" },
    plugins: { mine: entry },
  });
  return {
    manifest,
    start: () =>
      new NodeProcess(folders, {
        args: ["--manifest", manifest, "--plugins", "mine"],
        env: { AUTHORS_VARIABLE: "value" },
      }),
  };
}

/** Adds what a message says would allow it to an entry. */
function allow(entry: Entry, message: string): Entry {
  const [, path, json] =
    /deno\.json would allow it with plugins\.mine\.(\w+\.\w+): (.*)$/.exec(
      message,
    ) ?? [];
  assert.ok(path !== undefined && json !== undefined, message);
  const [section = "", key = ""] = path.split(".");
  const value: unknown = JSON.parse(json);
  return { ...entry, [section]: { ...Object(entry[section]), [key]: value } };
}

const denied: readonly { body: string; tried: RegExp }[] = [
  {
    body: 'await Deno.readTextFile("/etc/hostname");',
    tried: /Plugin "mine" may not read "\/etc\/hostname"/,
  },
  {
    body: 'await import("/etc/hostname", { with: { type: "text" } });',
    tried: /Plugin "mine" may not read "\/etc\/hostname"/,
  },
  {
    body:
      'if (!Deno.env.get("AUTHORS_VARIABLE")) throw new Error("Not there");',
    tried: /Plugin "mine" may not read environment variable "AUTHORS_VARIABLE"/,
  },
  {
    body: "Deno.osRelease();",
    tried: /Plugin "mine" may not ask the system for "osRelease"/,
  },
  {
    body:
      'await Deno.connect({ hostname: "127.0.0.1", port: 1 }).catch((error) => { if (!(error instanceof Deno.errors.ConnectionRefused)) throw error; });',
    tried: /Plugin "mine" may not reach "127\.0\.0\.1:1"/,
  },
  {
    body: "await (await ctx.use(hostname)).resolve({});",
    tried: /Plugin "mine" may not use service "hostname"/,
  },
];

Deno.test(
  "a plugin that is denied something dies with the line that would allow it, and works with that line",
  { ignore: isCompiled },
  async () => {
    await inParallel(denied, async ({ body, tried }) => {
      await using folders = await nodeFolders();
      const { manifest, start } = await develop(folders, plugin(body), plain);
      let message: string;
      {
        await using node = start();
        ({ message } = await node.logged(({ dn, level, message }) =>
          dn === "root.mine" && level === "error" && /^Died/.test(message)
        ));
        assert.match(message, tried);
        assert.equal((await node.stop()).code, 0, node.text());
      }
      await writeManifest(manifest, { mine: allow(plain, message) });
      await using node = start();
      await node.ready();
      assert.equal((await node.stop()).code, 0, node.text());
    });
  },
);

/** What an author gets wrong in the plugin, and what the log says of it. */
const wrongCode: Readonly<Record<string, { code: string; says: RegExp }>> = {
  "a syntax error": {
    code: 'import { definePlugin } from "hamlet";\nexport default {{};',
    says: /Died, .*SyntaxError: .*mine\/mod\.ts:2:1\d/s,
  },
  "a name that Hamlet does not have": {
    code:
      'import { definePlugn } from "hamlet";\nexport default definePlugn({});',
    says:
      /'hamlet' does not provide an export named 'definePlugn'.*mod\.ts:1:10/,
  },
  "no default export": {
    code: "export const run = 1;",
    says:
      /Plugin "mine" has no default export made by definePlugin\(\): correct file:.*mine\/mod\.ts/,
  },
  "a default export that is no plugin": {
    code: "export default { run: 1 };",
    says: /Plugin "mine" has no default export made by definePlugin\(\)/,
  },
  "a module of its own that is not there": {
    code: 'import "./parts.ts";',
    says: /Module not found "file:.*mine\/parts\.ts".*mine\/mod\.ts:1:8/s,
  },
  "a module that is not its own": {
    code: 'import "../other.ts";',
    says: /Plugin "mine" may not read "\/.*\/other\.ts"/,
  },
  "a package that is not the distribution's": {
    code: 'import "lodash";',
    says: /Import "lodash" not a dependency.*mine\/mod\.ts:1:8/s,
  },
  "an error at the top": {
    code: 'throw new Error("At the top");',
    says: /Died, starts again in .* s: Error: At the top/,
  },
  "a run that returns": {
    code:
      'import { definePlugin } from "hamlet";\nexport default definePlugin({ async run() {} });',
    says: /"root\.mine" returned without having been canceled/,
  },
  "a program that it runs by itself": {
    code: plugin('await new Deno.Command("ls").output();'),
    says:
      /may not run "ls" by itself: deno\.json would allow it with plugins\.mine\.uses\.process\.scope, to run it as a service/,
  },
  "a library that it calls": {
    code: plugin('Deno.dlopen("libc.so.6", {});'),
    says:
      /Plugin "mine" may not have ffi access to "libc\.so\.6", which no line of deno\.json gives to a plugin/,
  },
  "a config that does not fit": {
    code:
      'import { definePlugin, v } from "hamlet";\nexport default definePlugin({ config: v.object({}), async run() {} });',
    says:
      /Plugin "mine" cannot take its config \(.*\): correct plugins\.mine in the node's config file/,
  },
};

Deno.test("a plugin that cannot run says what to correct, and where", {
  ignore: isCompiled,
}, async () => {
  await inParallel(Object.entries(wrongCode), async ([, { code, says }]) => {
    await using folders = await nodeFolders();
    const { start } = await develop(folders, code, plain);
    await using node = start();
    const { message } = await node.logged(({ dn, level, message }) =>
      dn === "root.mine" && level === "error" && says.test(message)
    );
    // deno-lint-ignore no-control-regex -- the colors of Deno's own messages are these
    assert.doesNotMatch(message, /\x1b/);
  });
});

/** What an author gets wrong in the manifest, and what the node says of it before it starts anything. */
const wrongEntries: Readonly<Record<string, { entry: Entry; says: RegExp }>> = {
  "isolation left out": {
    entry: { module: "./mine/mod.ts" },
    says:
      /deno\.json:\d+:\d+: Plugin "mine" cannot run as a process of its own yet; say "isolation": "worker" if you trust its code/,
  },
  "a key that is none": {
    entry: { ...plain, permission: {} },
    says:
      /deno\.json:\d+:\d+: plugins\.mine\.permission is not known: Known keys are module, permissions/,
  },
  "a permission that no plugin gets": {
    entry: { ...plain, permissions: { run: ["ls"] } },
    says:
      /plugins\.mine\.permissions\.run is not known: Programs are run by the service "process"/,
  },
  "everything": {
    entry: { ...plain, permissions: { read: ["/"] } },
    says:
      /plugins\.mine\.permissions\.read\[0\] is "\/": It is every file; name one file or one folder/,
  },
  "the node's key": {
    entry: { ...plain, permissions: { read: ["${data}/identity/key.pem"] } },
    says:
      /plugins\.mine\.permissions\.read\[0\] is .*: .*No plugin may touch .*it is the node's private key/,
  },
  "what is another plugin's": {
    entry: { ...plain, permissions: { read: ["${data}/ca"] } },
    says: /Plugin "ca" may write "\$\{data\}\/ca", so it is its own/,
  },
  "its own code": {
    entry: { ...plain, permissions: { write: ["/CODE/mine"] } },
    says: /No plugin may write ".*\/mine": it is the program's code/,
  },
  "a service without its scope": {
    entry: { ...plain, roles: ["member"], uses: { kv: {} } },
    says:
      /deno\.json:\d+:\d+: plugins\.mine\.uses\.kv\.scope is missing: Say which part of the store, such as \{"keys": \["\/NAME\/"\]\}/,
  },
  "a service that nobody provides": {
    entry: { ...plain, uses: { printing: {} } },
    says: /plugins\.mine\.uses\.printing .*Nobody provides it; provided are/,
  },
  "a module elsewhere": {
    entry: { ...plain, module: "/etc/mod.ts" },
    says: /plugins\.mine\.module is "\/etc\/mod\.ts": Write a path relative/,
  },
  "a module that is not there": {
    entry: { ...plain, module: "./mine/main.ts" },
    says:
      /deno\.json:\d+:\d+: Cannot load plugin "mine": there is no file ".*\/mine\/main\.ts"; correct "module"/,
  },
  "a link out of its folder": {
    entry: { ...plain, module: "./linked/mod.ts" },
    says:
      /plugins\.mine\.module is .*: The plugin may read its folder, and ".*\/linked\/shadow" is a symbolic link out of it/,
  },
};

Deno.test(
  "a manifest that makes no sense says what to correct, and where, and nothing is started",
  { ignore: isCompiled },
  async () => {
    await inParallel(
      Object.entries(wrongEntries),
      async ([, { entry, says }]) => {
        await using folders = await nodeFolders();
        const path = `${folders.root}/distribution`;
        const { manifest, start } = await develop(folders, plugin(""), plain);
        await Deno.mkdir(`${path}/linked`);
        await Deno.copyFile(`${path}/mine/mod.ts`, `${path}/linked/mod.ts`);
        await Deno.symlink("/etc/shadow", `${path}/linked/shadow`);
        const text = JSON.stringify(entry).replace("/CODE", path);
        await writeManifest(manifest, { mine: JSON.parse(text) });
        await using node = start();
        const { code } = await node.exited;
        assert.ok(code === 1 || code === 2, `It ended with ${code}`);
        assert.match(node.text(), says);
        await assert.rejects(Deno.lstat(folders.data), Deno.errors.NotFound);
      },
    );
  },
);
