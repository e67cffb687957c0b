import assert from "node:assert/strict";
import { readConfig } from "../../../runtime/node/config.ts";
import { effectiveSettings } from "../../../runtime/node/effective_settings.ts";
import { StartError } from "../../../runtime/node/errors.ts";
import { type TempFolder, tempFolder } from "../../support/temp.ts";

async function write(folder: TempFolder, text: string): Promise<string> {
  const path = `${folder.path}/config.json`;
  await Deno.writeTextFile(path, text);
  return path;
}

async function refusal(promise: Promise<unknown>): Promise<StartError> {
  const error = await promise.then(() => undefined, (error: unknown) => error);
  assert(error instanceof StartError, `Not refused: ${error}`);
  return error;
}

Deno.test("readConfig() reads JSON with comments", async () => {
  await using folder = await tempFolder();
  const path = await write(
    folder,
    `{ "name": "a", /* free */ "peerPort": 0, "plugins": { "crl": { "x": 1 } }, }`,
  );
  const { config, checkPlugins } = await readConfig(path, true);
  assert.deepEqual(JSON.parse(JSON.stringify(config)), {
    name: "a",
    peerPort: 0,
    plugins: { crl: { x: 1 } },
  });
  checkPlugins(["crl"]);
});

Deno.test("readConfig() takes a missing file for an empty one unless it was named", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/none.json`;
  assert.deepEqual((await readConfig(path, false)).config, {});
  assert.equal(
    (await refusal(readConfig(path, true))).message,
    `Cannot read config file "${path}": there is none`,
  );
});

const wrong: [criterion: string, text: string, problem: string][] = [
  [
    "a name that is no DNS label",
    `{\n  "name": "A_b"\n}`,
    `:2:11: name is "A_b": A node's name is one DNS label`,
  ],
  [
    "an address that is none",
    `{"listen": "1.2.3"}`,
    ':1:12: listen is "1.2.3": Write an IP address',
  ],
  [
    "a port that cannot be",
    `{"peerPort": 70000}`,
    ":1:14: peerPort is 70000: A port is at most 65535",
  ],
  [
    "a program by a relative path",
    `{"programs": {"etcd": "etcd"}}`,
    "programs.etcd is",
  ],
  [
    "a level that is none",
    `{"logLevels": {"root.ca": "loud"}}`,
    'logLevels["root.ca"] is "loud"',
  ],
  [
    "a key that is none",
    `{"nam": "a"}`,
    ":1:2: nam is not known: Known keys are name, listen",
  ],
  [
    "a key given twice",
    `{"name": "a", "name": "b"}`,
    ":1:15: name is there twice",
  ],
  [
    "something that is no object",
    `[]`,
    ": all of it is []: Write an object, such as {}",
  ],
  [
    "something that is no JSON",
    `{"name"`,
    ":1:2: Cannot read JSON: unexpected token String found",
  ],
];
for (const [criterion, text, problem] of wrong) {
  Deno.test(`readConfig() refuses ${criterion}, with its place`, async () => {
    await using folder = await tempFolder();
    const path = await write(folder, text);
    const { message, exitCode } = await refusal(readConfig(path, true));
    assert(message.includes(problem), message);
    assert(
      message.startsWith(
        `Cannot use config file "${path}"; correct it and start again:\n${path}:`,
      ),
      message,
    );
    assert.equal(exitCode, 1);
  });
}

Deno.test("readConfig() gives what refuses a section for a plugin that there is not", async () => {
  await using folder = await tempFolder();
  const path = await write(folder, `{\n"plugins": {"nope": {}}}`);
  const { checkPlugins } = await readConfig(path, true);
  assert.throws(
    () => checkPlugins(["ca", "crl"]),
    (error) =>
      error instanceof StartError &&
      error.message.endsWith(
        `${path}:2:13: plugins.nope is not known: Known plugins are ca, crl`,
      ),
  );
});

Deno.test("effectiveSettings() lets the command line win over the config file and that over the defaults", () => {
  const settings = effectiveSettings(
    { name: "flag", peerPort: 1, programs: { etcd: "/flag" } },
    {
      name: "file",
      peerPort: 2,
      listen: "192.0.2.1",
      programs: { etcd: "/file", ip: "/ip" },
      logLevel: "error",
    },
  );
  assert.deepEqual(settings, {
    name: "flag",
    listen: "192.0.2.1",
    advertise: undefined,
    peerPort: 1,
    curatorPort: undefined,
    hostname: "on",
    logFormat: "text",
    logLevels: { level: "error", levels: {} },
    programs: { etcd: "/flag", ip: "/ip" },
  });
});

Deno.test("effectiveSettings() keeps a dev node to loopback and away from the host name", () => {
  const { listen, advertise, hostname } = effectiveSettings({ dev: true }, {});
  assert.deepEqual([listen, advertise, hostname], [
    "127.0.0.1",
    "127.0.0.1",
    "off",
  ]);
});

Deno.test("effectiveSettings() refuses what the command line cannot mean, as wrong use", () => {
  assert.throws(
    () => effectiveSettings({ name: "not one label" }, {}),
    (error) =>
      error instanceof StartError && error.exitCode === 2 &&
      /^Cannot use --name "not one label": /.test(error.message),
  );
});

Deno.test("effectiveSettings() refuses to advertise what is no machine's address", () => {
  for (
    const advertise of ["0.0.0.0", "::", "0:0:0:0:0:0:0:0", "::ffff:0.0.0.0"]
  ) {
    assert.throws(
      () => effectiveSettings({ advertise }, {}),
      (error) =>
        error instanceof StartError && error.exitCode === 2 &&
        error.message.startsWith(
          `Cannot use --advertise "${advertise}": Write`,
        ),
    );
  }
  for (const advertise of ["192.0.2.1", "10.0.0.0", "::1", "2001:db8::"]) {
    assert.equal(effectiveSettings({ advertise }, {}).advertise, advertise);
  }
});
