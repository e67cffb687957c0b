import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { StartError } from "../../../runtime/node/errors.ts";
import {
  examineFolders,
  openFolders,
  resolveFolders,
} from "../../../runtime/node/folders.ts";
import { run as runCommand } from "../../support/process.ts";
import { tempFolder } from "../../support/temp.ts";
import { tree } from "./tree.ts";

async function refused(data: string, run: string): Promise<string> {
  try {
    await examineFolders(await resolveFolders(data, run));
  } catch (error) {
    if (error instanceof StartError) return error.message;
    throw error;
  }
  throw new Error("Not refused");
}

const foldersModule =
  new URL("../../../runtime/node/folders.ts", import.meta.url).href;

/** The command that runs a module given as text. */
function denoRun(source: string): [string, ...string[]] {
  const module = `data:application/javascript,${encodeURIComponent(source)}`;
  return [
    Deno.execPath(),
    "run",
    "--quiet",
    "--allow-all",
    "--no-config",
    module,
  ];
}

const script = fileURLToPath(new URL("./examine_folders.ts", import.meta.url));

/** Examines in a process of its own, after `before` has changed what it finds; mounts last as long as it. */
async function examineWhere(
  before: string,
  data: string,
  run: string,
): Promise<string> {
  const { stdout } = await runCommand("unshare", [
    "--mount",
    "sh",
    "-euc",
    `${before}\nexec setpriv --bounding-set=-all --inh-caps=-all "$@"`,
    "sh",
    Deno.execPath(),
    "run",
    "--quiet",
    "--allow-all",
    "--no-config",
    script,
    data,
    run,
  ]);
  return stdout.trim();
}

Deno.test("openFolders() makes every folder with its mode, whatever the umask and the mode before", async () => {
  await using folder = await tempFolder();
  const folders = await resolveFolders(
    `${folder.path}/a/data`,
    `${folder.path}/run`,
  );
  await Deno.mkdir(folders.run, { mode: 0o700 });
  // In a process of its own: the umask is shared with every test that runs at the same time.
  const source = `
    import { openFolders } from "${foldersModule}";
    await openFolders(${JSON.stringify(folders)}, "empty");`;
  await runCommand("sh", [
    "-c",
    'umask 077; exec "$@"',
    "sh",
    ...denoRun(source),
  ]);
  const modes = Object.entries(await tree(folder.path)).map((
    [path, mode],
  ) => [path.slice(folder.path.length), mode]);
  assert.deepEqual(
    Object.fromEntries(modes.filter(([path]) => !path?.endsWith("/lock"))),
    {
      "": "40700",
      "/a": "40700",
      "/a/data": "40700",
      "/a/data/ca": "40700",
      "/a/data/etcd": "40700",
      "/a/data/etcd/peer-crl": "40700",
      "/a/data/etcd/peer-pki": "40700",
      "/a/data/identity": "40700",
      "/run": "40755",
      "/run/consensus": "40700",
    },
  );
});

Deno.test("examineFolders() tells an empty folder, an interrupted first start and a node", async () => {
  await using folder = await tempFolder();
  const folders = await resolveFolders(
    `${folder.path}/data`,
    `${folder.path}/run`,
  );
  assert.equal(await examineFolders(folders), "empty");
  {
    using _open = await openFolders(folders, "empty");
  }
  await Deno.mkdir(`${folders.data}/lost+found`);
  assert.equal(await examineFolders(folders), "empty");
  await Deno.writeTextFile(`${folders.data}/identity/key.pem`, "");
  assert.equal(await examineFolders(folders), "interrupted");
  await Deno.writeTextFile(`${folders.data}/node.json`, "");
  assert.equal(await examineFolders(folders), "node");
});

Deno.test("examineFolders() refuses a folder with something else in it", async () => {
  await using folder = await tempFolder();
  const data = `${folder.path}/data`;
  await Deno.mkdir(`${data}/etcd/data`, { recursive: true });
  assert.match(
    await refused(data, `${folder.path}/run`),
    /it has "etcd\/data" but no node\.json/,
  );
});

Deno.test("examineFolders() refuses a run folder whose sockets would have too long a path, and says by how much", async () => {
  await using folder = await tempFolder();
  const room = 107 - `${folder.path}//consensus/client.sock:0`.length;
  const data = `${folder.path}/data`;
  assert.equal(
    await examineFolders({ data, run: `${folder.path}/${"x".repeat(room)}` }),
    "empty",
  );
  assert.match(
    await refused(data, `${folder.path}/${"x".repeat(room - 1)}é`),
    /has 108 bytes, and that of a unix socket at most 107; choose a folder whose path is 1 or more bytes shorter/,
  );
});

Deno.test("examineFolders() refuses folders of which one lies in the other", async () => {
  await using folder = await tempFolder();
  const { path } = folder;
  await Deno.symlink(path, `${path}/link`);
  for (
    const [data, run] of [["a", "a"], ["a", "a/run"], ["a/b", "a"], [
      "link/a",
      "a/run",
    ]]
  ) {
    assert.match(
      await refused(`${path}/${data}`, `${path}/${run}`),
      /neither may lie in the other/,
    );
  }
});

Deno.test("examineFolders() refuses what is no folder", async () => {
  await using folder = await tempFolder();
  await Deno.writeTextFile(`${folder.path}/file`, "");
  assert.match(
    await refused(`${folder.path}/file/data`, `${folder.path}/run`),
    /file" is not a folder; choose another/,
  );
});

const grounds: [criterion: string, before: string, message: RegExp][] = [
  [
    "a folder that may not be written to",
    "mkdir $0/data; chmod 500 $0/data",
    /user \d+ may not write to ".*\/data"/,
  ],
  [
    "a folder that cannot be made",
    "chmod 500 $0",
    /may not write to "\/tmp\/hamlet-\w+", or it is mounted read-only; make the folder for that user first/,
  ],
  [
    "a folder of another user",
    "mkdir $0/data; chown 65534 $0/data",
    /it belongs to user 65534 and Hamlet runs as user/,
  ],
  [
    "a folder that is mounted read-only",
    "mkdir $0/data; mount -t tmpfs -o ro none $0/data",
    /may not write to ".*\/data", or it is mounted read-only; change that/,
  ],
  [
    "a disk without room for a new node",
    "mkdir $0/data; mount -t tmpfs -o size=100m none $0/data",
    /its disk has 100\.0 MiB left and a start needs 160\.0 MiB; make room/,
  ],
  [
    "a disk that is full",
    "mkdir $0/data; mount -t tmpfs -o size=400k none $0/data; touch $0/data/node.json",
    /its disk has 0\.4 MiB left and a start needs 1\.0 MiB/,
  ],
];
for (const [criterion, before, message] of grounds) {
  Deno.test(`examineFolders() refuses ${criterion}, and changes nothing`, async () => {
    await using folder = await tempFolder();
    const setUp = before.replaceAll("$0", folder.path);
    const said = await examineWhere(
      setUp,
      `${folder.path}/data`,
      `${folder.path}/run`,
    );
    await Deno.chmod(folder.path, 0o700);
    assert.match(said, message);
    const left = Object.keys(await tree(folder.path)).map((path) =>
      path.slice(folder.path.length)
    );
    assert.deepEqual(left, before.includes("mkdir") ? ["", "/data"] : [""]);
  });
}

Deno.test("openFolders() locks out a second node with either folder, naming the process", async () => {
  await using folder = await tempFolder();
  const folders = await resolveFolders(
    `${folder.path}/data`,
    `${folder.path}/run`,
  );
  using _open = await openFolders(folders, "empty");
  const before = await tree(folder.path);
  for (
    const [data, run] of [["data", "run"], ["data", "other"], ["other", "run"]]
  ) {
    const said = await refused(
      `${folder.path}/${data}`,
      `${folder.path}/${run}`,
    );
    assert(
      said.includes(
        `another Hamlet runs on it, process ${Deno.pid}; stop that one first`,
      ),
      said,
    );
  }
  await assert.rejects(
    openFolders(folders, "empty"),
    /another Hamlet runs on it/,
  );
  assert.deepEqual(await tree(folder.path), before);
});

Deno.test("resolveFolders() refuses a path that cannot be one, and says why", async () => {
  await using folder = await tempFolder();
  const before = await tree(folder.path);
  const run = `${folder.path}/run`;
  for (
    const [name, said] of [
      ["a".repeat(300), "its path, or a name in it, is too long"],
      ["a/".repeat(3_000), "its path, or a name in it, is too long"],
      ["not-\uFFFD", "its path is not UTF-8"],
    ] as const
  ) {
    const message = await refused(`${folder.path}/${name}`, run);
    assert(message.includes(said), message);
    assert(message.includes("; choose "), message);
  }
  assert.deepEqual(await tree(folder.path), before);
});

Deno.test("openFolders() leaves a lock that ends with its process, also after SIGKILL", async () => {
  await using folder = await tempFolder();
  const folders = await resolveFolders(
    `${folder.path}/data`,
    `${folder.path}/run`,
  );
  const source = `
    import { openFolders } from "${foldersModule}";
    globalThis.open = await openFolders(${JSON.stringify(folders)}, "empty");
    console.log("open");
    setInterval(() => {}, 60_000);`;
  const [command, ...args] = denoRun(source);
  await using child = new Deno.Command(command, { args, stdout: "piped" })
    .spawn();
  for await (const _ of child.stdout) break;
  assert.match(
    await refused(folders.data, folders.run),
    new RegExp(`process ${child.pid};`),
  );
  child.kill("SIGKILL");
  await child.status;
  assert.equal(await examineFolders(folders), "empty");
});

Deno.test("openFolders() gives an undo that leaves everything as it was found", async () => {
  await using folder = await tempFolder();
  const { path } = folder;
  for (const found of [[], ["data"], ["run"], ["data", "run"]]) {
    for (const name of found) {
      await Deno.mkdir(`${path}/${name}`, {
        mode: name === "run" ? 0o755 : 0o700,
      });
    }
    if (found.includes("run")) await Deno.writeTextFile(`${path}/run/mine`, "");
    const before = await tree(path);
    const folders = await resolveFolders(`${path}/data`, `${path}/run`);
    using open = await openFolders(folders, await examineFolders(folders));
    await Deno.writeTextFile(`${folders.data}/ca/seal.key`, "");
    await Deno.writeTextFile(`${folders.run}/hosts`, "");
    await open.undo();
    assert.deepEqual(await tree(path), before);
    for (const name of found) {
      await Deno.remove(`${path}/${name}`, { recursive: true });
    }
  }
});

Deno.test("openFolders() says what is a folder and should not be, and the other way round", async () => {
  await using folder = await tempFolder();
  const folders = { data: `${folder.path}/data`, run: `${folder.path}/run` };
  await Deno.mkdir(folders.data);
  await Deno.writeTextFile(`${folders.data}/node.json`, "");
  await Deno.writeTextFile(`${folders.data}/etcd`, "");
  assert.match(
    await refused(folders.data, folders.run),
    /^Cannot use ".*\/data\/etcd": it is no folder, and one belongs there; move it away/,
  );
  await Deno.remove(`${folders.data}/etcd`);
  await Deno.mkdir(folders.run);
  await Deno.writeTextFile(`${folders.run}/consensus`, "");
  await assert.rejects(openFolders(folders, "node"), {
    name: "StartError",
    message: /^Cannot use ".*\/run\/consensus": it is no folder/,
  });
  await Deno.remove(`${folders.data}/lock`);
  await Deno.mkdir(`${folders.data}/lock`);
  await assert.rejects(openFolders(folders, "node"), {
    name: "StartError",
    message:
      /\/data\/lock" is a folder, and a file belongs there; move it away/,
  });
});

Deno.test("openFolders() never undoes a node", async () => {
  await using folder = await tempFolder();
  const folders = await resolveFolders(
    `${folder.path}/data`,
    `${folder.path}/run`,
  );
  {
    using _open = await openFolders(folders, "empty");
  }
  await Deno.writeTextFile(`${folders.data}/node.json`, "");
  const before = await tree(folders.data);
  using open = await openFolders(folders, "node");
  await open.undo();
  assert.deepEqual(await tree(folders.data), before);
});
