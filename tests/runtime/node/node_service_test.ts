import assert from "node:assert/strict";
import { node as nodeContract } from "../../../runtime/services/node.ts";
import { StartError } from "../../../runtime/node/errors.ts";
import {
  readNodeFile,
  writeNodeFile,
} from "../../../runtime/node/node_file.ts";
import type { NodeStatus } from "../../../runtime/status.ts";
import { type TempFolder, tempFolder } from "../../support/temp.ts";
import { observedNode } from "./observed_node.ts";

/** A plugin that keeps a file and says what it is told of the node. */
const MODULE = `
import { definePlugin } from "hamlet";
export default definePlugin({
  async run(ctx) {
    const { data } = ctx.node.folders;
    const kept = NAME;
    if (kept) await Deno.writeTextFile(data + "/" + kept, ctx.node.role);
    ctx.log.info("Runs as " + ctx.node.role + ", " + ctx.node.origin);
    ctx.healthy();
    ctx.ready();
    await new Promise((resolve) => ctx.signal.addEventListener("abort", resolve));
  },
});
`;

/** Declares a plugin for each role, and one for both, which keeps no data. */
async function withManifest(folder: TempFolder): Promise<string> {
  const plugins: Record<string, unknown> = {};
  for (
    const [name, roles, kept] of [
      ["for-members", ["member"], "ca/secret"],
      ["for-workers", ["worker"], "etcd/x"],
      ["for-both", ["member", "worker"], ""],
    ] as const
  ) {
    await Deno.mkdir(`${folder.path}/${name}`);
    await Deno.writeTextFile(
      `${folder.path}/${name}/mod.ts`,
      MODULE.replace("NAME", JSON.stringify(kept)),
    );
    plugins[name] = {
      module: `./${name}/mod.ts`,
      roles,
      isolation: "worker",
      ...kept === "" ? {} : { permissions: { write: [`\${data}/${kept}`] } },
    };
  }
  const manifest = `${folder.path}/plugins.json`;
  await Deno.writeTextFile(manifest, JSON.stringify({ plugins }));
  return manifest;
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

const never = new AbortController().signal;

Deno.test("setRole() ends and starts plugins, and leaves nothing of the role before", async () => {
  await using folder = await tempFolder();
  const manifest = await withManifest(folder);
  const data = `${folder.path}/data`;
  const loaded = ({ plugins }: NodeStatus) =>
    plugins.map(({ name, state }) => `${name} ${state}`).join();
  {
    await using observed = await observedNode(folder.path, { manifest });
    const { node } = observed;
    await node.ready;
    const place = await node.use(nodeContract, never);
    assert(await exists(`${data}/ca/secret`));
    await place.setRole({ role: "worker" });
    const status = await observed.status((status) =>
      loaded(status) === "for-both ready,for-workers ready"
    );
    assert.equal(status.node.role, "worker");
    assert(!status.runnables.some(({ dn }) => dn === "root.for-members"));
    assert(!await exists(`${data}/ca/secret`));
    assert(await exists(`${data}/etcd/peer-pki`));
    await observed.logged(/root\.for-workers.*Runs as worker, join/);
    assert.equal(
      observed.lines.filter((line) => /for-both.*Runs as/.test(line)).length,
      1,
      "What both roles want just goes on",
    );
    await place.setRole({ role: "worker" });
  }
  assert.equal((await readNodeFile(data)).formerRole, undefined);
  await using observed = await observedNode(folder.path, { manifest });
  await observed.node.ready;
  assert.equal(observed.node.info.role, "worker");
  const place = await observed.node.use(nodeContract, never);
  await place.setRole({ role: "member" });
  await assert.rejects(
    () => place.setRole({ role: "worker" }),
    /just becoming a member/,
  );
  await observed.status((status) =>
    loaded(status) === "for-both ready,for-members ready"
  );
});

Deno.test("startNode() ends the change of a role that a crash interrupted", async () => {
  await using folder = await tempFolder();
  const manifest = await withManifest(folder);
  const data = `${folder.path}/data`;
  {
    await using observed = await observedNode(folder.path, { manifest });
    await observed.node.ready;
  }
  const file = await readNodeFile(data);
  await writeNodeFile(data, { ...file, role: "worker", formerRole: "member" });
  assert(await exists(`${data}/ca/secret`));
  await using observed = await observedNode(folder.path, { manifest });
  await observed.node.ready;
  assert(!await exists(`${data}/ca/secret`));
  assert.equal((await readNodeFile(data)).formerRole, undefined);
});

Deno.test("joinToken() gives what the operator gave, also after a start in between, until joined()", async () => {
  await using folder = await tempFolder();
  const manifest = await withManifest(folder);
  const data = `${folder.path}/data`;
  const join = { origin: "join", joinToken: "hamlet1.worker.x" } as const;
  for (const settings of [join, {}, join]) {
    await using observed = await observedNode(folder.path, {
      manifest,
      ...settings,
    });
    // Not before it is ready: then it is established.
    const place = await observed.node.use(nodeContract, never);
    assert.deepEqual(await place.joinToken({}), { token: join.joinToken });
    assert.equal(observed.node.info.role, "worker");
    const { mode } = await Deno.stat(`${data}/identity/join.token`);
    assert.equal(mode, 0o100600);
    const file = await readNodeFile(data);
    await observed.node.stop();
    await writeNodeFile(data, { ...file, established: false });
  }
  await using observed = await observedNode(folder.path, { manifest });
  const place = await observed.node.use(nodeContract, never);
  await place.joined({});
  await place.joined({});
  assert.deepEqual(await place.joinToken({}), {});
  assert(!await exists(`${data}/identity/join.token`));
});

Deno.test("removed() ends what keeps data, stays to say so, and the node does not start again", async () => {
  await using folder = await tempFolder();
  const manifest = await withManifest(folder);
  {
    await using observed = await observedNode(folder.path, { manifest });
    await observed.node.ready;
    const place = await observed.node.use(nodeContract, never);
    await place.removed({ reason: "by admin" });
    const status = await observed.status(({ plugins }) => plugins.length === 1);
    assert.equal(status.plugins[0]?.name, "for-both");
    assert.equal(status.ready, false);
    assert.match(
      status.warnings.join(),
      /removed this node \(by admin\).*`hamlet reset`/,
    );
  }
  await assert.rejects(
    () => observedNode(folder.path, { manifest }),
    (error: unknown) =>
      error instanceof StartError && error.exitCode === 2 &&
      error.message.includes("hamlet reset"),
  );
});
