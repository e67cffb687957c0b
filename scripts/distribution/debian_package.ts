import { version } from "../../runtime/version.ts";
import type { PluginEntry } from "../../runtime/manifest/mod.ts";
import { UNIT, unitText } from "../../runtime/systemd/unit.ts";
import { CompileError } from "./errors.ts";
import { forgetTimes } from "./forget_times.ts";
import { output } from "./output.ts";

/** Options of {@linkcode makeDebianPackage}. */
export interface DebianPackageOptions {
  /** The compiled program. */
  readonly program: string;
  /** What it runs on, as `Deno.build.arch` says it. */
  readonly arch: string;
  /** What it declares. */
  readonly plugins: readonly PluginEntry[];
  /** An empty folder to put the package together in. */
  readonly staging: string;
  /** The package to write. */
  readonly output: string;
}

const ARCHITECTURES: Readonly<Record<string, string>> = {
  x86_64: "amd64",
  aarch64: "arm64",
};
const PROGRAM = "/usr/bin/hamlet";
/** The one place of a license whose text every Debian system has, Debian policy 12.5. */
const LICENSE = "/usr/share/common-licenses/Apache-2.0";

/**
 * Makes a Debian package of a program, with its unit of systemd, which is neither enabled nor started: somebody has to
 * say first what an empty data folder becomes. An upgrade does not restart it either: the nodes of a cluster do that one
 * after another.
 *
 * @param options See {@linkcode DebianPackageOptions}.
 * @throws {CompileError} If there is no dpkg-deb.
 */
export async function makeDebianPackage(
  options: DebianPackageOptions,
): Promise<void> {
  const { program, arch, plugins, staging } = options;
  const architecture = ARCHITECTURES[arch];
  if (architecture === undefined) {
    throw new CompileError(`Cannot make a Debian package for ${arch}`);
  }
  const write = async (path: string, text: string, mode = 0o644) => {
    await makeFolders(staging, path.slice(0, path.lastIndexOf("/")));
    await Deno.writeTextFile(`${staging}${path}`, text);
    await Deno.chmod(`${staging}${path}`, mode);
  };
  await Deno.chmod(staging, 0o755);
  await makeFolders(staging, "/usr/bin");
  await Deno.copyFile(program, `${staging}${PROGRAM}`);
  await Deno.chmod(`${staging}${PROGRAM}`, 0o755);
  await makeFolders(staging, "/etc/hamlet");
  await write(
    `/usr/lib/systemd/system/${UNIT}`,
    unitText({ program: PROGRAM, plugins, hostname: "on" }),
  );
  await write(
    "/usr/share/doc/hamlet/copyright",
    `Hamlet is under the Apache License 2.0, see ${LICENSE}.\n` +
      "The npm packages in the program are under the licenses that it has with each of them.\n",
  );
  const { size } = await Deno.stat(program);
  await write(
    "/DEBIAN/control",
    `Package: hamlet
Version: ${version}
Architecture: ${architecture}
Maintainer: Hamlet maintainers <root@localhost>
Installed-Size: ${Math.ceil(size / 1024)}
Depends: libc6 (>= 2.34), libgcc-s1, util-linux, systemd
Recommends: iproute2
Section: net
Priority: optional
Description: cluster that runs itself, of a few machines and plugins
 One program with etcd inside, whose plugins can touch exactly what was
 declared when it was compiled.
`,
  );
  await write("/DEBIAN/prerm", PRERM, 0o755);
  await write("/DEBIAN/postinst", POSTINST, 0o755);
  await write("/DEBIAN/postrm", POSTRM, 0o755);
  await forgetTimes(staging);
  await output("dpkg-deb", [
    ...["-Zgzip", "--root-owner-group", "--build"],
    ...[staging, options.output],
  ], { env: { SOURCE_DATE_EPOCH: "0" } });
}

/** Of the modes that every Debian system has, whatever the umask. */
async function makeFolders(staging: string, path: string): Promise<void> {
  let at = staging;
  for (const name of path.split("/").filter((name) => name !== "")) {
    at = `${at}/${name}`;
    await Deno.mkdir(at, { recursive: true });
    await Deno.chmod(at, 0o755);
  }
}

const POSTINST = `#!/bin/sh
set -e
if [ "$1" = configure ]; then
  if [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
  if [ -z "$2" ]; then
    echo "Say what this machine becomes, then start it: hamlet install --new-cluster && systemctl start hamlet"
  fi
fi
`;

const PRERM = `#!/bin/sh
set -e
if [ "$1" = remove ]; then
  if [ -d /run/systemd/system ]; then systemctl stop ${UNIT}; fi
  systemctl --quiet disable ${UNIT}
fi
`;

const POSTRM = `#!/bin/sh
set -e
if [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
if [ "$1" = purge ]; then
  rm -rf /etc/hamlet /run/hamlet /var/lib/hamlet
fi
`;
