import assert from "node:assert/strict";
import { run } from "../support/process.ts";
import { tempFolder } from "../support/temp.ts";
import { compile, root } from "./support/program.ts";

/** What dpkg itself writes, and the package that is given to it. */
const OF_DPKG =
  /^\/(?:var\/lib\/dpkg|var\/log|var\/cache|dev|hamlet\.deb)(?:\/|$)/;

/**
 * Works on a copy of this system, of which what differs from it is in a folder of its own; at the end both are gone with
 * the mount namespace. A line that begins with "@" names what the lines after it are.
 */
const ON_A_COPY = `
mount -t tmpfs none "$1"
mkdir "$1/changed" "$1/work" "$1/system"
mount -t overlay none -o "lowerdir=/,upperdir=$1/changed,workdir=$1/work" "$1/system"
mount --rbind /proc "$1/system/proc"
mount --rbind /dev "$1/system/dev"
cp "$2" "$1/system/hamlet.deb"
changed() { echo "@$1"; find "$root/changed" -not -type d -printf "/%P\\n"; }
root=$1
on() { chroot "$root/system" "$@"; }
on dpkg --install /hamlet.deb
changed installed
echo @version
on hamlet version
on hamlet install --new-cluster --name alpha
changed configured
echo {} >"$root/system/var/lib/hamlet/node.json"
on dpkg --remove hamlet
changed removed
on dpkg --purge hamlet
changed purged
`;

Deno.test({
  name: "a Debian package installs, runs, and leaves nothing when it is purged",
  ignore: Deno.uid() !== 0,
  fn: async () => {
    await using folder = await tempFolder();
    const deb = `${folder.path}/hamlet.deb`;
    const output = `${folder.path}/hamlet`;
    await compile(root, ["--output", output, "--deb", deb, "--etcd", "none"]);
    const { stdout: fields } = await run("dpkg-deb", ["--field", deb]);
    assert.match(fields, /^Package: hamlet$/m);
    assert.match(fields, /^Version: \d+\.\d+\.\d+$/m);

    const mount = `${folder.path}/mount`;
    await Deno.mkdir(mount);
    const { stdout } = await run(
      "unshare",
      ["--mount", "sh", "-euc", ON_A_COPY, "sh", mount, deb],
      { timeout: 120_000, env: { LANG: "C.UTF-8" } },
    );
    const parts = new Map(
      stdout.split(/^@/m).map((part) => {
        const [name = "", ...lines] = part.split("\n");
        const files = lines.filter((line) =>
          line.startsWith("/") && !OF_DPKG.test(line)
        );
        return [name, files.sort()];
      }),
    );
    const packaged = [
      "/usr/bin/hamlet",
      "/usr/lib/systemd/system/hamlet.service",
      "/usr/share/doc/hamlet/copyright",
    ];
    assert.deepEqual(parts.get("installed"), packaged);
    assert.match(stdout, /^@version\nhamlet \d/m);
    assert.deepEqual(parts.get("configured"), [
      "/etc/hamlet/config.json",
      "/etc/hamlet/first-start",
      "/etc/systemd/system/multi-user.target.wants/hamlet.service",
      ...packaged,
    ]);
    assert.deepEqual(parts.get("removed"), [
      "/etc/hamlet/config.json",
      "/etc/hamlet/first-start",
      "/var/lib/hamlet/node.json",
    ]);
    assert.deepEqual(parts.get("purged"), []);
  },
});
