/** Lets the plugin name its own UTS namespace, with and without a hosts file that the system reads. */
import assert from "node:assert/strict";
import { observedNode } from "../../runtime/node/observed_node.ts";
import { run } from "../../support/process.ts";
import { tempFolder } from "../../support/temp.ts";

await using folder = await tempFolder();
const { path } = folder;
// Everything mounted here ends with this process.
await run("mount", ["-t", "tmpfs", "none", "/mnt"]);
await Deno.mkdir("/mnt/upper");
await Deno.mkdir("/mnt/work");
await run("mount", [
  "-t",
  "overlay",
  "none",
  "/etc",
  "-o",
  "lowerdir=/etc,upperdir=/mnt/upper,workdir=/mnt/work",
]);
await Deno.writeTextFile("/etc/hosts", "127.0.0.1 localhost\n");
await run("hostname", ["before"]);

const settings = {
  plugins: ["network", "hostsfile"],
  name: "node-1",
  hostname: "on",
} as const;
{
  await using observed = await observedNode(path, {
    ...settings,
    advertise: "192.0.2.7",
  });
  await observed.node.ready;
  await observed.logged(
    /Set the host name to \\"node-1\\", it was \\"before\\"/,
  );
  assert.equal(Deno.hostname(), "node-1");
  const line = await observed.logged(/This system resolves/);
  assert.match(
    line,
    /"level":"error".*resolves \\"node-1\\" to nothing, not to 192\.0\.2\.7: .* make \/etc\/hosts a symbolic link/,
  );
}
{
  // The file is right already: nothing is written, and yet the system is asked.
  await using observed = await observedNode(path, {
    ...settings,
    advertise: "192.0.2.7",
  });
  const wrong = /"level":"error".*resolves \\"node-1\\" to nothing/;
  await observed.logged(wrong);
  await Deno.remove("/etc/hosts");
  await Deno.symlink(`${path}/run/hosts`, "/etc/hosts");
  await observed.logged(
    /"level":"info".*This system resolves \\"node-1\\" to 192\.0\.2\.7/,
  );
  assert.ok(!observed.lines.some((line) => line.includes("Wrote")));
  assert.ok(!observed.lines.some((line) => wrong.test(line)), "Told twice");
}
{
  await using observed = await observedNode(path, {
    ...settings,
    advertise: "2001:DB8:0::7",
  });
  await observed.node.ready;
  await observed.logged(/Wrote .*: added node-1 \(2001:DB8:0::7\)/);
  await observed.logged(
    /"level":"debug".*This system resolves \\"node-1\\" to 2001:DB8:0::7/,
  );
  for (const name of ["node-1", observed.node.info.id]) {
    assert.match(
      (await run("getent", ["hosts", name])).stdout,
      /^2001:db8::7 /,
    );
  }
}
