import assert from "node:assert/strict";
import { parseManifest } from "../../../runtime/manifest/mod.ts";
import { StartError } from "../../../runtime/node/errors.ts";
import { resolveGrants } from "../../../runtime/node/plugin_grants.ts";
import { tempFolder } from "../../support/temp.ts";

Deno.test("resolveGrants() tells what is wrong with every plugin that is loaded, and shows the others as declared", async () => {
  await using folder = await tempFolder();
  const { path } = folder;
  const entry = (name: string) => ({
    module: `./${name}.ts`,
    permissions: { read: [`${path}/${name}`] },
  });
  const manifest = `${path}/deno.json`;
  const { plugins } = parseManifest(
    JSON.stringify({
      plugins: { a: entry("a"), b: entry("b"), c: entry("c") },
    }),
    manifest,
  );
  const [a, b, c] = plugins;
  assert(a && b && c);
  const resolve = (...chosen: typeof plugins) =>
    resolveGrants(
      plugins,
      chosen,
      {
        ...{
          data: `${path}/data`,
          run: `${path}/run`,
          config: `${path}/config`,
        },
        ...{ node: "n", name: "n", listen: "::1", peerPort: 1, curatorPort: 2 },
      },
      ["a", "b"].map((name) => ({
        path: `${path}/${name}`,
        access: "none",
        why: "a secret",
      })),
    );

  await assert.rejects(resolve(a, b, c), (error) => {
    assert(error instanceof StartError);
    const [heading, ...problems] = error.message.split("\n");
    assert.match(String(heading), /^Cannot grant on this node .*:$/);
    assert.deepEqual(
      problems.map((problem) => /plugins\.(\w)\..*a secret/.exec(problem)?.[1]),
      ["a", "b"],
    );
    return problems.every((problem) => problem.startsWith(`${manifest}:1:`));
  });
  const { hosted, descriptions } = await resolve(c);
  assert.deepEqual(hosted.map(({ name }) => name), ["c"]);
  assert.deepEqual(descriptions.map(({ loaded }) => loaded), [
    false,
    false,
    true,
  ]);
});
