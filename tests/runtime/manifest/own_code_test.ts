import assert from "node:assert/strict";
import { pathToFileURL } from "node:url";
import { linkOutOfCode } from "../../../runtime/manifest/own_code.ts";
import { tempFolder } from "../../support/temp.ts";

Deno.test("linkOutOfCode() finds a link by which a plugin would read what is not its own", async () => {
  await using folder = await tempFolder();
  const { path } = folder;
  await Deno.mkdir(`${path}/plugin/parts`, { recursive: true });
  await Deno.writeTextFile(`${path}/plugin/mod.ts`, "");
  const module = pathToFileURL(`${path}/plugin/mod.ts`);
  await Deno.symlink("../mod.ts", `${path}/plugin/parts/inside.ts`);
  assert.equal(await linkOutOfCode(module), undefined);

  for (const target of ["/etc/passwd", "../../plugin-b", "../../missing"]) {
    const link = `${path}/plugin/parts/outside`;
    await Deno.symlink(target, link);
    assert.match(
      await linkOutOfCode(module) ?? "",
      /parts\/outside" is a symbolic link out of it; put a copy there$/,
    );
    await Deno.remove(link);
  }
});

Deno.test("linkOutOfCode() looks at nothing but a plugin's own folder", async () => {
  await using folder = await tempFolder();
  const { path } = folder;
  await Deno.symlink("/etc/passwd", `${path}/beside`);
  await Deno.writeTextFile(`${path}/plugin.ts`, "");
  for (
    const module of [
      pathToFileURL(`${path}/plugin.ts`),
      pathToFileURL(`${path}/missing/mod.ts`),
      new URL("data:text/javascript,"),
    ]
  ) {
    assert.equal(await linkOutOfCode(module), undefined, module.href);
  }
  // The folder itself may be reached by one, as in a distribution that links to Hamlet.
  await Deno.mkdir(`${path}/real`);
  await Deno.writeTextFile(`${path}/real/mod.ts`, "");
  await Deno.symlink("real", `${path}/linked`);
  const module = pathToFileURL(`${path}/linked/mod.ts`);
  assert.equal(await linkOutOfCode(module), undefined);
});
