import assert from "node:assert/strict";
import { ManifestError, parseManifest } from "../../../runtime/manifest/mod.ts";

const FILE = "/opt/hamlet/deno.json";

/** `NAME: BODY` pairs as the `plugins` of a manifest, beside one that provides `kv` on members. */
function manifest(...entries: string[]): string {
  const store =
    `"store": {"module": "./store.ts", "provides": ["kv"], "roles": ["member"]}`;
  return `{\n  // A comment\n  "imports": {},\n  "plugins": {\n${
    [store, ...entries].join(",\n")
  },\n  },\n}\n`;
}

/** A plugin that is right but for `body`. */
function plugin(body: string, name = "x"): string {
  return `"${name}": {\n  "module": "./${name}.ts",\n  ${body}\n}`;
}

function permission(kind: string, items: string): string {
  return plugin(`"permissions": { "${kind}": [${items}] }`);
}

function problemsOf(text: string): readonly string[] {
  try {
    parseManifest(text, FILE);
  } catch (error) {
    assert(error instanceof ManifestError);
    assert.equal(error.message, error.problems.join("\n"));
    return error.problems;
  }
  return [];
}

/** The text without its mark `»`, and the mark's `LINE:COLUMN`. */
function unmark(text: string): { text: string; place: string } {
  const before = text.slice(0, text.indexOf("»")).split("\n");
  assert(text.includes("»"));
  const column = (before.at(-1)?.length ?? 0) + 1;
  return { text: text.replace("»", ""), place: `${before.length}:${column}` };
}

/** Name, text with the place of the only problem marked, what its line says. */
const refused: [string, string, RegExp][] = [
  ["no text", "»", /Cannot read JSON: unexpected end of input found/],
  ["no JSON", `{\n  "plugins": {\n »plugins: {} }\n}`, /Cannot read JSON/],
  ["no plugins", `»{}`, / plugins is missing: Write an object/],
  ["a list of plugins", `{"plugins": »[]}`, /is \[\]: Write an object/],
  ["an entry that is text", manifest(`"x": »"./x.ts"`), /Write an object/],
  [
    "a name in capitals",
    manifest(`»"Xy": {"module": "./x.ts"}`),
    /plugins\.Xy is not known: A plugin's name is lower-case/,
  ],
  [
    "a name with a dot",
    manifest(`»"x.y": {"module": "./x.ts"}`),
    /plugins\["x\.y"\]/,
  ],
  ["the name admin", manifest(`»"admin": {"module": "./x.ts"}`), /"runtime"/],
  ["no plugin", `{ "plugins": »{} }`, /plugins is \{\}: Declare a plugin/],
  [
    "a name that every object has",
    manifest(`»"constructor": {"module": "./x.ts"}`),
    /plugins\.constructor is not known: Choose another name/,
  ],
  ["the name root", manifest(`»"root": {"module": "./x.ts"}`), /not names/],
  ["the name audit", manifest(`»"audit": {"module": "./x.ts"}`), /not names/],
  [
    "a name twice",
    manifest(plugin(`"roles": ["worker"]`), `»"x": {"module": "./x.ts"}`),
    /is there twice: Keep one/,
  ],
  [
    "a permission list twice",
    manifest(plugin(
      `"permissions": {"read": ["/a"], »"read": ["/b"]}`,
    )),
    /permissions\.read is there twice/,
  ],
  [
    "the key __proto__",
    manifest(plugin(`»"__proto__": {}`)),
    /__proto__ is not known/,
  ],
  ["no module", manifest(`"x": »{}`), /plugins\.x\.module is missing: Write/],
  [
    "a misspelled key",
    manifest(plugin(`»"permission": {}`)),
    /plugins\.x\.permission is not known: Known keys are module, permissions,/,
  ],
  ["module 5", manifest(`"x": {"module": »5}`), /module is 5: Write a path/],
  [
    "a module from npm",
    manifest(`"x": {"module": »"npm:evil@1.0.0"}`),
    /starts with "\.\/"; a plugin from elsewhere is copied/,
  ],
  [
    "a module from the network",
    manifest(`"x": {"module": »"https://example.com/x.ts"}`),
    /starts with "\.\/"/,
  ],
  [
    "a module outside",
    manifest(`"x": {"module": »"./../other/x.ts"}`),
    /Name a module below "\/opt\/hamlet"/,
  ],
  [
    "a module URL outside",
    manifest(`"x": {"module": »"file:///opt/hamlet/%2e%2e/x.ts"}`),
    /Name a module below "\/opt\/hamlet"/,
  ],
  [
    "a module without a folder of its own",
    manifest(`"x": {"module": »"./mod.ts"}`),
    /Give the plugin a folder of its own/,
  ],
  [
    "all of a permission",
    manifest(plugin(`"permissions": { "read": »true }`)),
    /permissions\.read is true: Write a list/,
  ],
  [
    "all permissions",
    manifest(plugin(`"permissions": »"inherit"`)),
    /permissions is "inherit": Write an object/,
  ],
  [
    "a list of permissions",
    manifest(plugin(`"permissions": »[]`)),
    /permissions is \[\]: Write an object/,
  ],
  [
    "permission run",
    manifest(plugin(`"permissions": { »"run": ["ip"] }`)),
    /permissions\.run is not known: .* service "process"/,
  ],
  [
    "permission ffi",
    manifest(plugin(`"permissions": { »"ffi": ["/libc.so"] }`)),
    /permissions\.ffi is not known: .* service "hostname"/,
  ],
  [
    "permission import",
    manifest(plugin(`"permissions": { »"import": ["example.com"] }`)),
    /permissions\.import is not known: A plugin's modules/,
  ],
  ["an empty path", manifest(permission("read", `»""`)), /It is empty/],
  ["a number as path", manifest(permission("read", `»5`)), /Write a string/],
  ["every file", manifest(permission("read", `»"/"`)), /It is every file/],
  ["a star", manifest(permission("write", `»"*"`)), /no wildcards/],
  ["a glob", manifest(permission("write", `»"\${data}/x/*"`)), /no wildcards/],
  [
    "a relative path",
    manifest(permission("write", `»"./x"`)),
    /Start it with "\$\{data\}\/", "\$\{run\}\/" or "\/"/,
  ],
  ["a home folder", manifest(permission("read", `»"~/x"`)), /Start it with/],
  [
    "dot dot",
    manifest(permission("write", `»"\${data}/x/../ca"`)),
    /without "\/\/", "\." and "\.\."/,
  ],
  ["a slash too much", manifest(permission("read", `»"/srv//x"`)), /without/],
  ["a slash at the end", manifest(permission("read", `»"/srv/"`)), /Leave out/],
  ["a NUL", manifest(permission("read", `»"/srv/\\u0000x"`)), /NUL/],
  [
    "the data folder",
    manifest(permission("write", `»"\${data}"`)),
    /below it, such as "\$\{data\}\/NAME"/,
  ],
  ["the run folder", manifest(permission("read", `»"\${run}"`)), /\/NAME"/],
  ["/proc", manifest(permission("read", `»"/proc/self/mem"`)), /"\/proc"/],
  ["/sys", manifest(permission("read", `»"/sys"`)), /"\/sys"/],
  ["/dev", manifest(permission("write", `»"/dev/sda"`)), /"\/dev"/],
  [
    "an unknown variable",
    manifest(permission("read", `»"\${home}/x"`)),
    /"\$\{home\}" is not a variable here; known are \$\{data\}, \$\{run\}, \$\{config\}, \$\{package:NAME\}/,
  ],
  ["an open variable", manifest(permission("read", `»"\${data/x"`)), /Close/],
  [
    "a variable in the middle",
    manifest(permission("read", `»"/srv/\${data}"`)),
    /only be at the beginning/,
  ],
  [
    "a variable that runs on",
    manifest(permission("read", `»"\${data}x"`)),
    /Write "\/" after "\$\{data\}"/,
  ],
  [
    "the node ID in a path",
    manifest(permission("read", `»"\${data}/\${node}"`)),
    /"\$\{node\}" is not a variable here/,
  ],
  [
    "a package that climbs",
    manifest(permission("read", `»"\${package:../../etc}"`)),
    /is not a variable here/,
  ],
  [
    "writing a package",
    manifest(permission("write", `»"\${package:valibot}"`)),
    /"\$\{package:valibot\}" is not a variable here; known are \$\{data\}, \$\{run\}/,
  ],
  [
    "writing the config",
    manifest(permission("write", `»"\${config}"`)),
    /"\$\{config\}" is not a variable here/,
  ],
  ["below the config", manifest(permission("read", `»"\${config}/x"`)), /file/],
  [
    "a path twice",
    manifest(permission("read", `"/srv/x", »"/srv/x"`)),
    /in the list twice/,
  ],
  [
    "every host at a port",
    manifest(permission("net", `»"*:443"`)),
    /for every IPv4 address write "0\.0\.0\.0\/0:443"/,
  ],
  [
    "a wildcard domain",
    manifest(permission("net", `»"*.example.com:443"`)),
    /no wildcards in host names/,
  ],
  ["no port", manifest(permission("net", `»"example.com"`)), /Name one port/],
  ["a URL", manifest(permission("net", `»"https://a.b:443"`)), /not an addr/],
  ["port 0", manifest(permission("net", `»"localhost:0"`)), /1 to 65535/],
  ["port 65536", manifest(permission("net", `»"a.b:65536"`)), /1 to 65535/],
  [
    "IPv6 without brackets",
    manifest(permission("net", `»"::1:80"`)),
    /in brackets: "\[::1\]:80"/,
  ],
  ["an IPv6 range", manifest(permission("net", `»"[::/0]:80"`)), /ranges/],
  ["no IPv4", manifest(permission("net", `»"300.1.1.1:80"`)), /not an IPv4/],
  ["33 bits", manifest(permission("net", `»"10.0.0.0/33:80"`)), /0 to 32/],
  [
    "a range that matches nothing",
    manifest(permission("net", `»"10.0.0.1/8:80"`)),
    /The last 24 bits/,
  ],
  ["two hosts", manifest(permission("net", `»"a.b,c.d:80"`)), /not a host/],
  [
    "listen as part of a name",
    manifest(permission("net", `»"\${listen}.example.com:80"`)),
    /alone before the colon/,
  ],
  [
    "a socket of the system",
    manifest(permission("net", `»"unix:/run/docker.sock"`)),
    /lies below "\$\{run\}\/" or "\$\{data\}\/"/,
  ],
  [
    "a socket that is not its own",
    manifest(permission("net", `»"unix:\${run}/hamlet.sock"`)),
    /Add "\$\{run\}\/hamlet\.sock", or its folder, to permissions\.read and permissions\.write/,
  ],
  ["every variable", manifest(permission("env", `»"*"`)), /name of one var/],
  ["half a variable", manifest(permission("env", `»"*_TOKEN"`)), /beginning/],
  ["an odd variable", manifest(permission("env", `»"A=B"`)), /name of one var/],
  [
    "system *",
    manifest(permission("sys", `»"*"`)),
    /Write one of "cpus", "getegid"/,
  ],
  [
    "providing what the runtime does",
    manifest(plugin(`"provides": [»"process"]`)),
    /The runtime provides this service/,
  ],
  [
    "providing what another does",
    manifest(plugin(`"provides": ["cluster", »"kv"]`)),
    /provides\[1\] is "kv": Plugin "store" provides this service/,
  ],
  [
    "an odd service name",
    manifest(plugin(`"provides": [»"my service"]`)),
    /A service's name/,
  ],
  [
    "a service name that every object has",
    manifest(plugin(`"provides": [»"constructor"]`)),
    /Every object of JavaScript has that name/,
  ],
  [
    "a list of uses",
    manifest(plugin(`"uses": »[]`)),
    /uses is \[\]: Write an object/,
  ],
  [
    "using what nobody provides",
    manifest(plugin(`"uses": { "clock": »{} }`)),
    /Nobody provides it; provided are hostname, kv, node, process, or say "optional": true/,
  ],
  [
    "using a known service without its plugin",
    manifest(plugin(`"uses": { "ca": »{} }`)),
    /No plugin of this file provides it/,
  ],
  [
    "using on a worker node what only members have",
    manifest(plugin(`"uses": { "kv": »{ "scope": { "keys": ["/x/"] } } }`)),
    /Plugin "store" provides it, but not on a node with the role "worker"/,
  ],
  [
    "using oneself",
    manifest(plugin(`"provides": ["clock"], "uses": { "clock": »{} }`)),
    /wait for each other for ever: x → x/,
  ],
  [
    "a cycle of three",
    manifest(
      plugin(`"provides": ["sx"], "uses": { "sy": {} }`),
      plugin(`"provides": ["sy"], "uses": { "sz": {} }`, "y"),
      plugin(`"provides": ["sz"], "uses": { "sx": »{} }`, "z"),
    ),
    /for ever: x → y → z → x; say "optional": true for one/,
  ],
  [
    "optional in words",
    manifest(plugin(`"uses": { "network": { "optional": »"yes" } }`))
      .replace(`"provides": ["kv"]`, `"provides": ["network"]`)
      .replace(`"roles": ["member"]`, `"roles": ["member", "worker"]`),
    /optional is "yes": Write true or false/,
  ],
  [
    "a method that is not there",
    manifest(plugin(
      `"roles": ["member"], "uses": { "hostname": { "methods": ["set", »"get"] } }`,
    )),
    /methods\[1\] is "get": Write one of "set", "resolve", "hosts"/,
  ],
  [
    "no method",
    manifest(plugin(`"uses": { "hostname": { "methods": »[] } }`)),
    /Name a method, or leave it out/,
  ],
  [
    "a scope where there is none",
    manifest(plugin(`"uses": { "hostname": { »"scope": {} } }`)),
    /scope is not known: Known keys are optional, methods/,
  ],
  [
    "kv without a scope",
    manifest(plugin(`"roles": ["member"], "uses": { "kv": »{} }`)),
    /uses\.kv\.scope is missing: Say which part of the store, such as/,
  ],
  [
    "a kv scope without keys",
    manifest(plugin(
      `"roles": ["member"], "uses": { "kv": { "scope": { "keys": »[] } } }`,
    )),
    /keys is \[\]: Name a key/,
  ],
  [
    "all of kv",
    manifest(plugin(
      `"roles": ["member"], "uses": { "kv": { "scope": { "keys": [»"/"] } } }`,
    )),
    /keys\[0\] is "\/": A scope is a part of a service/,
  ],
  [
    "a misspelled scope",
    manifest(plugin(
      `"roles": ["member"], "uses": { "kv": { "scope": { "keys": ["/x/"], »"acces": "read" } } }`,
    )),
    /scope\.acces is not known: Known keys are keys, access, founder, quota/,
  ],
  [
    "a list of programs",
    manifest(plugin(`"uses": { "process": { "scope": »["ip"] } }`)),
    /scope is \["ip"\]: Say which programs, such as/,
  ],
  [
    "any argument",
    manifest(plugin(
      `"uses": { "process": { "scope": { "etcd": { "args": [»"**"] } } } }`,
    )),
    /args\[0\] is "\*\*": A scope is a part of a service/,
  ],
  [
    "an unknown variable in a scope",
    manifest(plugin(
      `"uses": { "process": { "scope": { "etcd": { "args": [»"--name=\${id}"] } } } }`,
    )),
    /"\$\{id\}" is not a variable here; known are \$\{data\}, .*\$\{package:NAME\}/,
  ],
  [
    "an unknown variable in an unknown scope",
    manifest(
      plugin(`"uses": { "s": { "scope": [{ "a": »"\${id}" }] } }`),
      plugin(`"provides": ["s"]`, "y"),
    ),
    /scope\[0\]\.a is "\$\{id\}"/,
  ],
  ["no role", manifest(plugin(`"roles": »[]`)), /"member", "worker" or both/],
  [
    "a wrong role",
    manifest(plugin(`"roles": [»"leader"]`)),
    /one of "member", "worker"/,
  ],
  [
    "no isolation",
    manifest(plugin(`"isolation": »"none"`)),
    /isolation is "none": Write one of "worker", "process"/,
  ],
  [
    "a secret of another plugin",
    manifest(
      plugin(`"permissions": { "write": ["\${data}/y"] }`, "y"),
      permission("read", `»"\${data}/y/seal.key"`),
    ),
    /Plugin "y" may write "\$\{data\}\/y", so it is its own; .*"shares": \["\$\{data\}\/y\/seal\.key"\]/,
  ],
  [
    "a folder around what another plugin writes",
    manifest(
      plugin(`"permissions": { "write": ["\${data}/y/state"] }`, "y"),
      permission("read", `»"\${data}/y"`),
    ),
    /It reaches "\$\{data\}\/y\/state", which is plugin "y"'s own/,
  ],
  [
    "a file within a folder that another plugin takes as a whole",
    manifest(
      plugin(`"permissions": { "write": [»"\${data}/y/state"] }`, "y"),
      permission("write", `"\${data}/y"`),
    ),
    /Plugin "x" may write "\$\{data\}\/y", so it is its own/,
  ],
  [
    "sharing what is another plugin's",
    manifest(plugin(`"shares": [»"\${data}/y"]`)),
    /A plugin shares what it may write itself/,
  ],
];

for (const [name, marked, advice] of refused) {
  Deno.test(`parseManifest() names place and advice for ${name}`, () => {
    const { text, place } = unmark(marked);
    const problems = problemsOf(text);
    const [line, ...more] = problems.filter((one) =>
      one.startsWith(`${FILE}:${place}: `)
    );
    assert(line !== undefined, `Nothing at ${place}: ${problems.join("\n")}`);
    assert.match(line, advice);
    // What cannot be read as JSON, and only that, may be reported at several places.
    if (!line.includes("Cannot read JSON")) {
      assert.deepEqual([...more, ...problems.filter((p) => p !== line)], []);
    }
  });
}

Deno.test("parseManifest() reports every problem at once", () => {
  const text = manifest(
    plugin(
      `"permissions": { "run": [], "ffi": [], "read": ["/", "x"] }, "colour": 1, "size": 2`,
    ),
    `"Y": {"module": "npm:y", "uses": {"clock": {}}, "provides": ["hostname"]}`,
  );
  const places = problemsOf(text).map((line) =>
    / (plugins\S+) is /.exec(line)?.[1]
  );
  assert.deepEqual(
    places.sort(),
    [
      "plugins.Y",
      "plugins.Y.module",
      "plugins.Y.provides[0]",
      "plugins.Y.uses.clock",
      "plugins.x.colour",
      "plugins.x.permissions.ffi",
      "plugins.x.permissions.read[0]",
      "plugins.x.permissions.read[1]",
      "plugins.x.permissions.run",
      "plugins.x.size",
    ],
  );
});

Deno.test("parseManifest() does not take one mistake for others", () => {
  const shared = `"permissions": {"write": ["\${data}/y"]}, "provides": ["y"]`;
  for (
    const [mistake, body, other = plugin(shared, "y")] of [
      ["permissions.read[0]", `"permissions": {"read": ["\${data}"]}`],
      ["permissions.write[0]", `"permissions": {"write": ["\${data}"]}`],
      ["permissions.net[0]", `"permissions": {"net": ["unix:\${run}/../s"]}`],
      [
        "permissions.write[0]",
        `"permissions": {"net": ["unix:\${run}/s"], "read": ["\${run}/s"], "write": ["\${run}/s/"]}, "shares": ["\${run}/s"]`,
      ],
      ["permissions.write", `"permissions": {"write": 1}, "shares": ["/s"]`],
      ["shares[0]", `"shares": ["s"]`],
      ["uses", `"uses": ["y"]`],
      [
        "provides",
        `"provides": "z"`,
        plugin(`"uses": {"z": {}}`, "y"),
      ],
      [
        "roles[0]",
        `"provides": ["z"], "roles": ["memer"]`,
        plugin(`"uses": {"z": {}}`, "y"),
      ],
    ] as const
  ) {
    const problems = problemsOf(manifest(plugin(body), other));
    assert.equal(problems.length, 1, problems.join("\n"));
    assert.match(
      problems.join(),
      new RegExp(`: plugins\\.x\\.${RegExp.escape(mistake)} `),
    );
  }
});

Deno.test("parseManifest() fills in what an entry leaves out, the strict way", () => {
  const { plugins: [entry] } = parseManifest(
    `{"plugins": {"x": {"module": "./p/x y.ts"}}}`,
    FILE,
  );
  assert(entry !== undefined);
  const { locate, uses, ...rest } = entry;
  assert.deepEqual(rest, {
    contracts: [],
    name: "x",
    module: new URL("file:///opt/hamlet/p/x%20y.ts"),
    permissions: { read: [], write: [], net: [], env: [], sys: [] },
    provides: [],
    shares: [],
    roles: ["member", "worker"],
    isolation: "process",
  });
  assert.deepEqual({ ...uses }, {});
  assert.equal(uses["constructor"], undefined);
  assert.equal(locate(), `${FILE}:1:19`);
});

Deno.test("parseManifest() keeps what an entry says", () => {
  const { plugins } = parseManifest(
    manifest(plugin(`"permissions": {
      "read": ["\${run}/x", "\${package:@a/b.c}", "\${package:d}/proto", "\${config}", "/srv/a,b ü$"],
      "write": ["\${run}/x"],
      "net": ["a-b.example:1", "127.0.0.1:65535", "[::1]:80", "\${listen}:\${curatorPort}", "0.0.0.0/0:\${peerPort}",
              "0.0.0.0/0:7835", "unix:\${run}/x/s:0"],
      "env": ["A", "GRPC_*"],
      "sys": ["hostname"]
    },
    "shares": ["\${run}/x/y"],
    "roles": ["member"],
    "uses": {
      "kv": {"optional": true, "methods": ["range"], "scope": {"keys": ["/x/\${name}/", "/x/y"]}},
      "hostname": {}
    },
    "isolation": "worker"`)),
    FILE,
  );
  const entry = plugins.find(({ name }) => name === "x");
  assert(entry !== undefined);
  assert.deepEqual(entry.permissions.net.length, 7);
  assert.deepEqual(entry.permissions.read[4], "/srv/a,b ü$");
  assert.equal(entry.isolation, "worker");
  assert.deepEqual({ ...entry.uses }, {
    hostname: { optional: false, scope: undefined },
    kv: {
      optional: true,
      methods: ["range"],
      scope: { keys: ["/x/${name}/", "/x/y"] },
    },
  });
});

Deno.test("parseManifest() accepts two that use each other if one use is optional", () => {
  const other = plugin(`"provides": ["s"], "uses": {"t": {}}`, "y");
  const use = (optional: boolean) =>
    plugin(`"provides": ["t"], "uses": {"s": {"optional": ${optional}}}`);
  assert.deepEqual(problemsOf(manifest(other, use(true))), []);
  assert.equal(problemsOf(manifest(other, use(false))).length, 1);
});

Deno.test("parseManifest() accepts an optional use of what nobody provides", () => {
  assert.deepEqual(
    problemsOf(manifest(plugin(`"uses": {"clock": {"optional": true}}`))),
    [],
  );
});

Deno.test("parseManifest() lets another entry name what its owner shares, and only that", () => {
  const owner = (shares: string) =>
    plugin(
      `"permissions": {"write": ["\${data}/y"]}, "shares": [${shares}]`,
      "y",
    );
  const other = permission("write", `"\${data}/y/list"`);
  assert.deepEqual(problemsOf(manifest(owner(`"\${data}/y/list"`), other)), []);
  assert.equal(
    problemsOf(manifest(owner(`"\${data}/y/other"`), other)).length,
    1,
  );
});

Deno.test("PluginEntry.locate() names the nearest place around what is not there", () => {
  const marked = unmark(manifest(plugin(`"uses": »{}`)));
  const { plugins } = parseManifest(marked.text, FILE);
  const entry = plugins.find(({ name }) => name === "x");
  assert.equal(
    entry?.locate(["uses", "kv", "scope"]),
    `${FILE}:${marked.place}`,
  );
});

/** Hamlet's own file, as far as others care. */
const builtIn = {
  path: FILE,
  text:
    `{"plugins": {"store": {"module": "./store.ts", "provides": ["kv"], "permissions": {"write": ["\${data}/store"]}}}}`,
};
const OWN = "/srv/mine/deno.json";

Deno.test('parseManifest() takes over the plugins of Hamlet\'s own file with "extends": "hamlet"', () => {
  const { plugins } = parseManifest(
    `{"extends": "hamlet", "plugins": {\n${
      plugin('"uses": {"kv": {"scope": {"keys": ["/x/"]}}}')
    }}}`,
    OWN,
    builtIn,
  );
  assert.deepEqual(
    plugins.map(({ name, module, locate }) => [name, module.href, locate()]),
    [
      ["store", "file:///opt/hamlet/store.ts", `${FILE}:1:23`],
      ["x", "file:///srv/mine/x.ts", `${OWN}:2:6`],
    ],
  );
  // Only then.
  const alone = parseManifest(
    `{"plugins": {${plugin('"roles": ["member"]')}}}`,
    OWN,
    builtIn,
  );
  assert.deepEqual(alone.plugins.map(({ name }) => name), ["x"]);
});

for (
  const [criterion, text, problem] of [
    [
      "another value",
      '{"extends": "./hamlet/deno.json", "plugins": {"x": {"module": "./x.ts"}}}',
      /^\/srv\/mine\/deno\.json:1:13: extends is "\.\/hamlet\/deno\.json": Write "hamlet"/,
    ],
    [
      "a name that Hamlet's own plugin has",
      '{"extends": "hamlet", "plugins": {"store": {"module": "./mine.ts"}}}',
      /^\/srv\/mine\/deno\.json:1:44: plugins\.store is .*: It is there already, at \/opt\/hamlet\/deno\.json:1:23; choose another name$/,
    ],
    [
      "a service that Hamlet's own plugin provides",
      '{"extends": "hamlet", "plugins": {"mine": {"module": "./mine.ts", "provides": ["kv"]}}}',
      /^\/srv\/mine\/deno\.json:1:80: plugins\.mine\.provides\[0\] .*Plugin "store" provides this service/,
    ],
    [
      "what Hamlet's own plugin may write",
      '{"extends": "hamlet", "plugins": {"mine": {"module": "./mine.ts", "permissions": {"read": ["${data}/store/x"]}}}}',
      /^\/srv\/mine\/deno\.json:1:92: .*Plugin "store" may write/,
    ],
    [
      "a module in Hamlet's folder",
      '{"extends": "hamlet", "plugins": {"mine": {"module": "../../opt/hamlet/store.ts"}}}',
      /^\/srv\/mine\/deno\.json:1:54: .*Name a module below "\/srv\/mine"$/,
    ],
  ] as const
) {
  Deno.test(`parseManifest() refuses, of a file that takes over another, ${criterion}`, () => {
    assert.throws(
      () => parseManifest(text, OWN, builtIn),
      (error) => {
        assert(error instanceof ManifestError);
        assert.equal(error.problems.length, 1, error.message);
        return problem.test(error.message) || assert.fail(error.message);
      },
    );
  });
}

Deno.test("parseManifest() refuses that Hamlet's own file takes over itself", () => {
  assert.throws(
    () =>
      parseManifest(
        '{"extends": "hamlet", "plugins": {"x": {"module": "./x.ts"}}}',
        FILE,
      ),
    /deno\.json:1:13: extends is "hamlet": This file is Hamlet's own; leave it out/,
  );
});
