import assert from "node:assert/strict";
import * as v from "valibot";
import {
  describeGrant,
  type Grant,
  GrantError,
  parseManifest,
  PathGuard,
  type ProtectedPath,
  resolveGrant,
  type Variables,
} from "../../../runtime/manifest/mod.ts";
import { KvScope } from "../../../runtime/services/mod.ts";
import { tempFolder } from "../../support/temp.ts";

const FILE = "/opt/hamlet/deno.json";

interface Given {
  /** The plugin's `permissions`. */
  readonly permissions?: Record<string, string[]>;
  /** The plugin's `uses`; nobody need provide them. */
  readonly uses?: Record<string, Record<string, unknown>>;
  readonly variables?: Partial<Variables>;
  readonly protectedPaths?: readonly ProtectedPath[];
}

/** Resolves the grant of plugin `x` on a node whose folders are `data` and `run` below `root`. */
async function resolve(root: string, given: Given): Promise<Grant> {
  const uses = Object.fromEntries(
    Object.entries(given.uses ?? {}).map((
      [service, use],
    ) => [service, { optional: true, ...use }]),
  );
  const entry = { module: "./x.ts", permissions: given.permissions, uses };
  const text = JSON.stringify({ plugins: { x: entry } }, null, 2);
  const { plugins: [plugin] } = parseManifest(text, FILE);
  assert(plugin !== undefined);
  const variables = {
    data: `${root}/data`,
    run: `${root}/run`,
    config: `${root}/config.json`,
    node: "hamlet-0123456789abcdef0123456789abcdef",
    name: "node-1",
    listen: "0.0.0.0",
    peerPort: 7834,
    curatorPort: 7835,
    ...given.variables,
  };
  const guard = new PathGuard(variables, given.protectedPaths ?? []);
  return await resolveGrant(plugin, variables, guard);
}

/** The problems of a grant that is refused. */
async function refusal(root: string, given: Given): Promise<readonly string[]> {
  const { promise, resolve: settle } = Promise.withResolvers<unknown>();
  resolve(root, given).then(settle, settle);
  const error = await promise;
  assert(error instanceof GrantError, `Not refused: ${JSON.stringify(error)}`);
  assert.equal(error.plugin, "x");
  assert.equal(error.message, error.problems.join("\n"));
  return error.problems;
}

async function ask(
  permissions: Deno.PermissionOptionsObject,
  code: string,
): Promise<unknown> {
  const url = `data:application/javascript,${
    encodeURIComponent(`postMessage(await (async () => { ${code} })())`)
  }`;
  const worker = new Worker(url, { type: "module", deno: { permissions } });
  try {
    return await new Promise((resolve, reject) => {
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

Deno.test("resolveGrant() puts this node's values in place of variables", async () => {
  await using folder = await tempFolder();
  const root = folder.path;
  const grant = await resolve(root, {
    permissions: {
      read: ["${data}/x", "${run}/x", "${config}", "/srv/hamlet-x"],
      write: ["${data}/x", "${run}/x"],
      net: [
        "${listen}:${curatorPort}",
        "0.0.0.0/0:${peerPort}",
        "unix:${run}/x/s:0",
      ],
      env: ["GRPC_*"],
      sys: ["hostname"],
    },
    uses: {
      hostname: {},
      kv: { methods: ["range"], scope: { keys: ["/nodes/${node}/${name}"] } },
      process: {
        scope: {
          etcd: {
            cwd: "${run}/x",
            args: ["--x=https://${listen}:${peerPort}"],
          },
        },
      },
      clock: { scope: ["${name}", 5, null, { zone: "${data}" }] },
    },
  });
  assert.deepEqual(grant.permissions, {
    read: [
      `${root}/data/x`,
      `${root}/run/x`,
      `${root}/config.json`,
      "/srv/hamlet-x",
    ],
    write: [`${root}/data/x`, `${root}/run/x`],
    net: ["0.0.0.0:7835", "0.0.0.0/0:7834", `unix:${root}/run/x/s:0`],
    env: ["GRPC_*"],
    sys: ["hostname"],
  });
  assert.deepEqual({ ...grant.uses }, {
    hostname: { optional: true, scope: undefined },
    kv: {
      optional: true,
      methods: ["range"],
      // As the service's own schema completes it.
      scope: v.parse(KvScope, {
        keys: ["/nodes/hamlet-0123456789abcdef0123456789abcdef/node-1"],
      }),
    },
    process: {
      optional: true,
      scope: {
        etcd: { cwd: `${root}/run/x`, args: ["--x=https://0.0.0.0:7834"] },
      },
    },
    clock: {
      optional: true,
      scope: ["node-1", 5, null, { zone: `${root}/data` }],
    },
  });
  assert.equal(grant.uses["constructor"], undefined);
});

Deno.test("resolveGrant() writes an IPv6 address to listen on in brackets", async () => {
  await using folder = await tempFolder();
  const grant = await resolve(folder.path, {
    permissions: { net: ["${listen}:${curatorPort}"] },
    uses: { process: { scope: { etcd: { args: ["https://${listen}:1"] } } } },
    variables: { listen: "::1" },
  });
  assert.deepEqual(grant.permissions.net, ["[::1]:7835"]);
  assert.deepEqual(grant.uses["process"]?.scope, {
    etcd: { args: ["https://[::1]:1"] },
  });
});

Deno.test("resolveGrant() gives a Worker that file and no other, whatever the folder is called", async () => {
  for (const name of ["a,b", "st*r", "$x ${name}", "~", "ü #%41?", "a\nb"]) {
    await using folder = await tempFolder();
    const data = `${folder.path}/${name}`;
    const other = `${folder.path}/star`;
    for (const one of [data, other, `${folder.path}/a`, `${folder.path}/b`]) {
      await Deno.mkdir(one, { recursive: true });
      await Deno.writeTextFile(`${one}/x`, one);
      await Deno.writeTextFile(`${one}/y`, one);
    }
    const { permissions } = await resolve(folder.path, {
      permissions: { read: ["${data}/x"] },
      variables: { data },
    });
    assert.deepEqual(permissions.read, [`${data}/x`]);
    const files = [data, other, `${folder.path}/a`, `${folder.path}/b`]
      .flatMap((one) => [`${one}/x`, `${one}/y`]);
    const readable = await ask(
      permissions,
      `return ${JSON.stringify(files)}.filter((file) => {
         try { return Deno.readTextFileSync(file) !== ""; } catch { return false; }
       });`,
    );
    assert.deepEqual(readable, [`${data}/x`]);
  }
});

Deno.test("resolveGrant() lets a Worker load etcd3 with the package's folder alone", async () => {
  await using folder = await tempFolder();
  const { permissions } = await resolve(folder.path, {
    permissions: {
      read: ["${package:etcd3}"],
      env: ["GRPC_*", "NODE_*", "grpc_proxy", "no_grpc_proxy", "http_proxy"],
    },
  });
  const [read] = permissions.read;
  assert(read !== undefined);
  assert.deepEqual(permissions.read, [read]);
  assert.match(await Deno.readTextFile(`${read}/package.json`), /"etcd3"/);
  // A module of the repository, since a data: URL resolves no npm package.
  const worker = new Worker(
    new URL("./etcd3_worker.ts", import.meta.url).href,
    { type: "module", deno: { permissions } },
  );
  const answer = await new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = (event) => {
      event.preventDefault();
      reject(new Error(event.message));
    };
  });
  worker.terminate();
  assert.equal(answer, "loaded");
});

Deno.test("resolveGrant() refuses a package that is not there", async () => {
  await using folder = await tempFolder();
  const [problem, ...more] = await refusal(folder.path, {
    permissions: { read: ["${package:hamlet-nothing}"] },
  });
  assert.deepEqual(more, []);
  assert.match(
    problem ?? "",
    /^\/opt\/hamlet\/deno\.json:7:11: plugins\.x\.permissions\.read\[0\] is "\$\{package:hamlet-nothing\}": There is no such npm package/,
  );
});

Deno.test("resolveGrant() names the line of each problem, all at once", async () => {
  await using folder = await tempFolder();
  const root = folder.path;
  const problems = await refusal(root, {
    permissions: {
      read: [root, "${data}/x"],
      write: [`${root}/secret`],
      net: ["${listen}:1"],
    },
    uses: { process: { scope: { etcd: { args: ["-n", "${name}"] } } } },
    variables: { listen: "localhost", name: "a/b" },
    protectedPaths: [{ path: `${root}/secret`, access: "none", why: "a test" }],
  });
  assert.deepEqual(
    problems.map((line) => line.split(" is ")[0]),
    [
      `${FILE}:7:11: plugins.x.permissions.read[0]`,
      `${FILE}:11:11: plugins.x.permissions.write[0]`,
      `${FILE}:14:11: plugins.x.permissions.net[0]`,
      `${FILE}:24:17: plugins.x.uses.process.scope.etcd.args[1]`,
    ],
  );
});

/** Name, the path that is asked for, what the only problem says. */
const refused: [string, "read" | "write", (root: string) => string, RegExp][] =
  [
    [
      "a folder around those of the node",
      "read",
      (root) => root,
      /reaches everything below "\$\{data\}"/,
    ],
    [
      "the data folder by its path",
      "read",
      (root) => `${root}/data`,
      /reaches everything below "\$\{data\}"/,
    ],
    [
      "the run folder by its path",
      "write",
      (root) => `${root}/run`,
      /reaches everything below "\$\{run\}"/,
    ],
    [
      "a path below the data folder without its variable",
      "read",
      (root) => `${root}/data/ca`,
      /write it as "\$\{data\}\/ca"/,
    ],
    [
      "the node's key",
      "read",
      () => "${data}/identity/key.pem",
      /No plugin may touch "\S+\/identity\/key\.pem": it is the node's key/,
    ],
    [
      "what the node's key is replaced by",
      "read",
      () => "${data}/identity/key.pem.new",
      /No plugin may touch "\S+\/identity\/key\.pem\.new"/,
    ],
    [
      "the folder of the node's key",
      "read",
      () => "${data}/identity",
      /No plugin may touch "\S+\/identity\/key\.pem"/,
    ],
    [
      "writing the program",
      "write",
      (root) => `${root}/program/plugins/x.ts`,
      /No plugin may write "\S+\/program": it is the program/,
    ],
    [
      "writing around the config",
      "write",
      (root) => `${root}/etc`,
      /No plugin may write "\S+\/etc\/config\.json": it is the config/,
    ],
    [
      "a link to a file",
      "write",
      () => "${data}/link",
      /"\S+\/data\/link" is a symbolic link to "\/etc\/passwd"/,
    ],
    [
      "a path through a link",
      "read",
      () => "${data}/etc/passwd",
      /"\S+\/data\/etc" is a symbolic link to "\/etc"/,
    ],
    [
      "a link to what is not there",
      "write",
      () => "${data}/dangling",
      /"\S+\/data\/dangling" is a symbolic link/,
    ],
    [
      "a link without a variable",
      "read",
      (root) => `${root}/way/identity/key.pem`,
      /"\S+\/way" is a symbolic link to "\S+\/data"/,
    ],
  ];

for (const [name, access, path, advice] of refused) {
  Deno.test(`resolveGrant() refuses ${name}`, async () => {
    await using folder = await tempFolder();
    const root = folder.path;
    await Deno.mkdir(`${root}/data/identity`, { recursive: true });
    await Deno.mkdir(`${root}/program/plugins`, { recursive: true });
    await Deno.symlink("/etc/passwd", `${root}/data/link`);
    await Deno.symlink("/etc", `${root}/data/etc`);
    await Deno.symlink("/nonexistent/file", `${root}/data/dangling`);
    await Deno.symlink(`${root}/data`, `${root}/way`);
    const problems = await refusal(root, {
      permissions: { [access]: [path(root)] },
      protectedPaths: [
        {
          path: `${root}/data/identity/key.pem`,
          access: "none",
          why: "the node's key",
        },
        { path: `${root}/program`, access: "read", why: "the program" },
        { path: `${root}/etc/config.json`, access: "read", why: "the config" },
      ],
    });
    assert.equal(problems.length, 1, problems.join("\n"));
    assert.match(problems[0] ?? "", advice);
  });
}

Deno.test("resolveGrant() allows reading what is only protected from writing", async () => {
  await using folder = await tempFolder();
  const grant = await resolve(folder.path, {
    permissions: { read: ["${config}"] },
    protectedPaths: [{
      path: `${folder.path}/config.json`,
      access: "read",
      why: "the config",
    }],
  });
  assert.deepEqual(grant.permissions.read, [`${folder.path}/config.json`]);
});

Deno.test("resolveGrant() allows the node's folders to lie in a protected one", async () => {
  await using folder = await tempFolder();
  const protectedPaths: ProtectedPath[] = [
    { path: folder.path, access: "read", why: "the checkout" },
  ];
  const { permissions } = await resolve(folder.path, {
    permissions: { write: ["${data}/x"] },
    protectedPaths,
  });
  assert.deepEqual(permissions.write, [`${folder.path}/data/x`]);
  const [problem] = await refusal(folder.path, {
    permissions: { write: [`${folder.path}/deno.json`] },
    protectedPaths,
  });
  assert.match(problem ?? "", /it is the checkout/);
});

Deno.test("resolveGrant() follows links on the way to the node's folders, as the operator set them", async () => {
  await using folder = await tempFolder();
  const root = folder.path;
  await Deno.mkdir(`${root}/disk/data`, { recursive: true });
  await Deno.symlink(`${root}/disk/data`, `${root}/data`);
  const grant = await resolve(root, {
    permissions: { write: ["${data}/x"] },
  });
  assert.deepEqual(grant.permissions.write, [`${root}/data/x`]);
  const [problem] = await refusal(root, {
    permissions: { write: [`${root}/disk/data/x`] },
  });
  assert.match(problem ?? "", /write it as "\$\{data\}\/x"/);
});

/** Name, a value that is not what it should be, where it is used, what is said. */
const tricks: [string, Partial<Variables>, Given, RegExp][] = [
  [
    "a data folder with dots",
    { data: "/srv/../etc" },
    { permissions: { read: ["${data}/x"] } },
    /On this node it is "\/srv\/\.\.\/etc\/x"\. Write it without/,
  ],
  [
    "a relative data folder",
    { data: "srv" },
    { permissions: { read: ["${data}/x"] } },
    /It is not absolute/,
  ],
  [
    "a name with a slash",
    { name: "a/b" },
    { uses: { kv: { scope: { keys: ["/x/${name}"] } } } },
    /\$\{name\} is "a\/b", not one DNS label/,
  ],
  [
    "a node ID that is a wildcard",
    { node: "**" },
    { uses: { process: { scope: { etcd: { args: ["--name=${node}"] } } } } },
    /\$\{node\} is "\*\*", not one DNS label/,
  ],
  [
    "a data folder with a star in a scope",
    { data: "/srv/a*" },
    { uses: { process: { scope: { etcd: { args: ["--d=${data}/x"] } } } } },
    /is "\/srv\/a\*" on this node, and "\*" stands for anything in a scope/,
  ],
  [
    "an address that is a range",
    { listen: "0.0.0.0/0" },
    { permissions: { net: ["${listen}:1"] } },
    /\$\{listen\} is "0\.0\.0\.0\/0", not an IP address/,
  ],
  [
    "a port that is none yet",
    { curatorPort: 0 },
    { permissions: { net: ["${listen}:${curatorPort}"] } },
    /\$\{curatorPort\} is 0, not a TCP port/,
  ],
];

for (const [name, variables, given, advice] of tricks) {
  Deno.test(`resolveGrant() refuses ${name}`, async () => {
    await using folder = await tempFolder();
    const problems = await refusal(folder.path, { ...given, variables });
    assert.equal(problems.length, 1, problems.join("\n"));
    assert.match(problems[0] ?? "", advice);
  });
}

Deno.test("describeGrant() has a line for everything that may be touched", async () => {
  await using folder = await tempFolder();
  const root = folder.path;
  const grant = await resolve(root, {
    permissions: {
      read: ["${data}/x"],
      write: ["${data}/x"],
      net: ["localhost:1"],
      env: ["A_*"],
      sys: ["uid"],
    },
    uses: {
      hostname: { optional: false },
      cluster: { methods: ["members", "status"] },
      clock: { scope: { zone: "UTC" } },
    },
  });
  assert.deepEqual(describeGrant(grant).sort(), [
    "environment A_*",
    "network localhost:1",
    `reads ${root}/data/x`,
    "system uid",
    'uses service clock if it is there: {"zone":"UTC"}',
    "uses service cluster if it is there: only members, status",
    "uses service hostname: all of it",
    `writes ${root}/data/x`,
  ]);
  assert.deepEqual(describeGrant(await resolve(root, {})), []);
});
