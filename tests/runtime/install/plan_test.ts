import assert from "node:assert/strict";
import {
  type InstallOptions,
  installSteps,
  uninstallSteps,
} from "../../../runtime/install/plan.ts";
import {
  type Step,
  stepText,
  takeSteps,
} from "../../../runtime/install/step.ts";
import { tempFolder } from "../../support/temp.ts";

const plain: Omit<InstallOptions, "root"> = {
  booted: false,
  plugins: [],
  first: {},
  config: {},
};

/** What steps do, without what they write. */
function short(steps: readonly Step[], root: string): string[] {
  return steps.map((step) =>
    (stepText(step).split("\n")[0] ?? "").replaceAll(root, "ROOT")
      .replace(Deno.execPath(), "PROGRAM")
  );
}

Deno.test("installSteps() names everything that is done to an image", async () => {
  await using folder = await tempFolder();
  const root = folder.path;
  const steps = await installSteps({
    ...plain,
    root,
    first: { origin: "new-cluster" },
    config: { name: "alpha" },
  });
  assert.deepEqual(short(steps, root), [
    "copy PROGRAM to ROOT/usr/local/bin/hamlet",
    "make folder ROOT/etc/hamlet of mode 0755",
    "make folder ROOT/var/lib/hamlet of mode 0700",
    "write ROOT/etc/hamlet/config.json of mode 0644:",
    "write ROOT/etc/hamlet/first-start of mode 0600:",
    "write ROOT/etc/systemd/system/hamlet.service of mode 0644:",
    "run systemctl --root=ROOT enable hamlet.service",
  ]);
});

Deno.test("installSteps() keeps a join token to a file that only root reads", async () => {
  await using folder = await tempFolder();
  const root = folder.path;
  const first = { origin: "join", joinToken: "hamlet1.worker.s3cret" } as const;
  const steps = await installSteps({ ...plain, root, first });
  assert.deepEqual(short(steps, root).slice(3, 5), [
    "write ROOT/etc/hamlet/join-token of mode 0600, a secret",
    "write ROOT/etc/hamlet/first-start of mode 0600:",
  ]);
  const shown = steps.map(stepText).join("\n");
  assert.match(
    shown,
    /^ {2}\| HAMLET_FIRST_START=--join-file \/etc\/hamlet\/join-token$/m,
  );
  assert.doesNotMatch(shown, /s3cret/);

  const files = steps.filter(({ kind }) => kind === "file");
  await takeSteps(files, { dryRun: false, say() {} });
  const path = `${root}/etc/hamlet/join-token`;
  assert.equal(await Deno.readTextFile(path), "hamlet1.worker.s3cret\n");
  assert.equal(((await Deno.stat(path)).mode ?? 0) & 0o777, 0o600);
});

Deno.test("installSteps() leaves program and unit to a Debian package", async () => {
  await using folder = await tempFolder();
  const root = folder.path;
  await Deno.mkdir(`${root}/usr/lib/systemd/system`, { recursive: true });
  await Deno.writeTextFile(
    `${root}/usr/lib/systemd/system/hamlet.service`,
    "",
  );
  const first = { origin: "new-cluster" } as const;
  const steps = await installSteps({ ...plain, root, first });
  assert.deepEqual(short(steps, root), [
    "make folder ROOT/etc/hamlet of mode 0755",
    "make folder ROOT/var/lib/hamlet of mode 0700",
    "write ROOT/etc/hamlet/first-start of mode 0600:",
    "run systemctl --root=ROOT enable hamlet.service",
  ]);
});

Deno.test("installSteps() of a running system makes systemd read the unit", async () => {
  const steps = await installSteps({ ...plain, root: "/", booted: true });
  assert.deepEqual(short(steps, "/nowhere").slice(-2), [
    "run systemctl daemon-reload",
    "run systemctl enable hamlet.service",
  ]);
});

Deno.test("installSteps() leaves a config file alone, and refuses to write another over it", async () => {
  await using folder = await tempFolder();
  const root = folder.path;
  await Deno.mkdir(`${root}/etc/hamlet`, { recursive: true });
  await Deno.writeTextFile(`${root}/etc/hamlet/config.json`, "{}\n");
  const steps = await installSteps({ ...plain, root });
  assert.doesNotMatch(short(steps, root).join("\n"), /config\.json/);
  const config = { name: "alpha", advertise: "192.0.2.1" };
  await assert.rejects(installSteps({ ...plain, root, config }), {
    name: "CannotInstallError",
    message:
      `Cannot write "${root}/etc/hamlet/config.json": there is one already; edit it, and leave out --name, --advertise`,
  });
});

Deno.test("uninstallSteps() leaves data and configuration alone unless told otherwise", async () => {
  await using folder = await tempFolder();
  const root = folder.path;
  const unit = `${root}/etc/systemd/system/hamlet.service`;
  await Deno.mkdir(`${root}/etc/systemd/system`, { recursive: true });
  await Deno.writeTextFile(unit, "");
  const kept = short(
    await uninstallSteps({ root, booted: false, purge: false }),
    root,
  );
  assert.deepEqual(kept, [
    "run systemctl --root=ROOT disable hamlet.service",
    "remove ROOT/etc/systemd/system/hamlet.service",
    "remove ROOT/etc/hamlet/first-start",
    "remove ROOT/etc/hamlet/join-token",
    "remove ROOT/usr/local/bin/hamlet",
  ]);
  const purged = short(
    await uninstallSteps({ root, booted: false, purge: true }),
    root,
  );
  assert.deepEqual(purged, [
    ...kept,
    "remove ROOT/etc/hamlet",
    "remove ROOT/run/hamlet",
    "remove ROOT/var/lib/hamlet",
  ]);
});

Deno.test("uninstallSteps() says where nothing is installed", async () => {
  await using folder = await tempFolder();
  const root = folder.path;
  await assert.rejects(uninstallSteps({ root, booted: false, purge: false }), {
    name: "CannotInstallError",
    message: /apt-get remove hamlet/,
  });
  // Data that an earlier uninstall left can still be removed.
  const steps = await uninstallSteps({ root, booted: false, purge: true });
  assert.equal(steps.at(-1)?.kind, "remove");
});
