import assert from "node:assert/strict";
import { copyCheckout } from "../binary/support/checkout_copy.ts";
import { digestOf } from "../../scripts/distribution/digest.ts";
import { run } from "../support/process.ts";
import {
  checkoutCommand,
  type NodeFolders,
  nodeFolders,
  NodeProcess,
} from "./support/node_process.ts";

/** Makes of the checkout, as far as the checkout itself can tell, a program with an etcd inside. */
async function programWithEtcd({ root }: NodeFolders): Promise<string> {
  const copy = `${root}/checkout`;
  await copyCheckout(copy);
  const { stdout: etcd } = await run("sh", ["-c", "command -v etcd"]);
  const content = await Deno.readFile(etcd.trim());
  await Deno.mkdir(`${copy}/programs`);
  await Deno.writeFile(`${copy}/programs/etcd`, content);
  const build = {
    commit: "unknown",
    digest: "",
    forChecks: false,
    manifest: "deno.json",
    plugins: [],
    programs: { etcd: { digest: digestOf(content) } },
  };
  await Deno.writeTextFile(
    `${copy}/runtime/this_build.ts`,
    `export const build = ${JSON.stringify(build)};\n`,
  );
  const from = new URL("../../", import.meta.url).pathname;
  const command = checkoutCommand().map((word) =>
    `'${word.replace(from, `${copy}/`)}'`
  );
  const path = `${root}/hamlet`;
  await Deno.writeTextFile(
    path,
    `#!/bin/sh\nexec ${command.join(" ")} "$@"\n`,
    { mode: 0o755 },
  );
  return path;
}

Deno.test("a worker that becomes a member runs the etcd inside of the program", async () => {
  await using a = await nodeFolders();
  await using b = await nodeFolders();
  const program = await programWithEtcd(a);
  const hamlet = async (...args: string[]) => {
    const { stdout } = await run(program, [...args, "--run-dir", a.run]);
    return stdout.trim();
  };
  // None but the one inside is to be found.
  const env = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" };
  await using one = new NodeProcess(a, { program, env });
  await one.ready();
  const token = await hamlet("invite", "--role", "worker");
  await using two = new NodeProcess(b, {
    program,
    env,
    newCluster: false,
    args: ["--name", "two", "--join", token],
  });
  await two.ready();
  await assert.rejects(Deno.stat(`${b.data}/bin`), Deno.errors.NotFound);

  const said = hamlet("role", "two", "member");
  await two.status(({ ready, node, members }) =>
    ready && node.role === "member" && members.length === 2
  );
  await said;
});
