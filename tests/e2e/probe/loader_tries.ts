import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { runInNewContext } from "node:vm";
import { Worker as NodeWorker } from "node:worker_threads";
import { settled, type Tries } from "./attempt.ts";

/** What the probe is told to load. */
export interface LoaderTargets {
  /** A file that it may not read. */
  readonly secret: string;
  /** Modules that are not its own: of the runtime, and of another plugin. */
  readonly modules: readonly string[];
  /** A folder of the probe's own. */
  readonly own: string;
  /** A port of loopback that it was not granted. */
  readonly port: number;
}

/**
 * Everything that loads code, to see whether the code gets, or is, more than the probe may have.
 *
 * @param targets What to load.
 * @returns The tries.
 */
export function loaderTries(targets: LoaderTargets): Tries {
  const { secret, modules, own, port } = targets;
  const url = pathToFileURL(secret).href;
  const literal = `import text from ${
    JSON.stringify(url)
  } with { type: "text" };\n`;
  const exported = `${literal}export default text;`;
  const posted = `${literal}postMessage(text);`;
  const written = (name: string, code: string) => {
    Deno.writeTextFileSync(`${own}/${name}`, code);
    return pathToFileURL(`${own}/${name}`).href;
  };
  const read = `Deno.readTextFileSync(${JSON.stringify(secret)})`;
  return {
    ...Object.fromEntries(
      modules.map((module) => [`import ${module}`, () => import(module)]),
    ),
    "import of a data: URL that imports literally": () =>
      import(dataUrl(exported)),
    "import of a blob: URL that imports literally": () =>
      import(blobUrl(exported)),
    "import of an own file that imports literally": () =>
      import(written("literal.ts", exported)),
    "import of WebAssembly": () => import(`${url}.wasm`),
    "import from https:": () => import(`https://127.0.0.1:${port}/mod.ts`),
    "import from http:": () => import(`http://127.0.0.1:${port}/mod.ts`),
    "import of an npm package that is not the program's": () =>
      import("npm:" + "left-pad@1.3.0"),
    "import from jsr:": () => import("jsr:" + "@std/path@1.0.0"),
    "require() of a module of npm": () =>
      createRequire(import.meta.url)("left-pad"),
    "require() of a library": () =>
      createRequire(import.meta.url)(written("library.node", "")),
    "eval() of its own rights": () => (0, eval)(read),
    "node:vm": () => runInNewContext(`${GLOBAL}.${read}`),
    ...workerTries("a data: URL", dataUrl, read, posted),
    ...workerTries("a blob: URL", blobUrl, read, posted),
    ...workerTries(
      "an own file",
      (code) => written(`worker-${crypto.randomUUID()}.ts`, code),
      read,
      posted,
    ),
    "Worker of a secret file": () => workerSays(url),
    "Worker, classic": () => workerSays(dataUrl("postMessage(1)"), "classic"),
    ...Object.fromEntries(
      (["read", "write", "net", "env", "sys", "run", "ffi", "import"] as const)
        .map((kind) => [
          `Worker with ${kind}`,
          () =>
            workerSays(dataUrl("postMessage(1)"), "module", { [kind]: true }),
        ]),
    ),
    "Worker with one file more": () =>
      workerSays(dataUrl("postMessage(1)"), "module", { read: [secret] }),
    "node:worker_threads": () => threadSays(`postMessage(${read})`),
    "node:worker_threads, with its environment": () =>
      threadSays('postMessage(process.env.PATH ?? "")'),
  };
}

/**
 * What of all this works for what is the probe's own.
 *
 * @param own A folder of the probe's own.
 * @returns The tries, none of which is refused.
 */
export function loaderControls(own: string): Tries {
  const path = `${own}/control.txt`;
  const read = `postMessage(Deno.readTextFileSync(${JSON.stringify(path)}))`;
  const after = (attempt: () => unknown) => () => {
    Deno.writeTextFileSync(path, "own");
    return attempt();
  };
  return {
    "Worker of a data: URL": after(() => workerSays(dataUrl(read))),
    "Worker of a blob: URL": after(() => workerSays(blobUrl(read))),
    "Worker that inherits": after(() =>
      workerSays(dataUrl(read), "module", "inherit")
    ),
    "node:worker_threads": after(() => threadSays(read)),
    "import of an own file as text": after(() =>
      import(pathToFileURL(path).href, { with: { type: "text" } })
    ),
  };
}

/** How the code of another global reaches the one of this thread. */
const GLOBAL = 'this.constructor.constructor("return globalThis")()';

function workerTries(
  kind: string,
  urlOf: (code: string) => string,
  read: string,
  posted: string,
): Tries {
  return {
    [`Worker of ${kind} that imports literally`]: () =>
      workerSays(urlOf(posted)),
    [`Worker of ${kind} that reads`]: () =>
      workerSays(urlOf(`postMessage(${read})`)),
    [`Worker of ${kind} that inherits and reads`]: () =>
      workerSays(urlOf(`postMessage(${read})`), "module", "inherit"),
    [`Worker of ${kind} with nothing that reads`]: () =>
      workerSays(urlOf(`postMessage(${read})`), "module", "none"),
  };
}

/** The first message of a Worker. */
async function workerSays(
  url: string,
  type: "module" | "classic" = "module",
  permissions?: Deno.PermissionOptions,
): Promise<unknown> {
  const options = permissions === undefined ? {} : { deno: { permissions } };
  const worker = new Worker(url, { type, ...options });
  try {
    return await settled((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = (event) => {
        event.preventDefault();
        reject(new Error(event.message));
      };
    });
  } finally {
    worker.terminate();
  }
}

/** The first message of a thread of Node.js. */
async function threadSays(code: string): Promise<unknown> {
  const thread = new NodeWorker(
    `const post = (value) => require("node:worker_threads").parentPort.postMessage(value);\n${
      code.replace("postMessage", "post")
    }`,
    { eval: true, stdout: true, stderr: true },
  );
  try {
    return await settled((resolve, reject) =>
      thread.on("message", resolve).on("error", reject)
    );
  } finally {
    // It takes its time.
    void thread.terminate();
  }
}

function dataUrl(code: string): string {
  return `data:text/javascript,${encodeURIComponent(code)}`;
}

function blobUrl(code: string): string {
  return URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
}
