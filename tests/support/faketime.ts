import { run } from "./process.ts";

/**
 * Finds the library that shows a program another time, out of Debian's libfaketime: for `LD_PRELOAD`, with `FAKETIME`.
 * Programs in Go do not ask libc, and have the time that it is.
 *
 * @returns Its path.
 */
export async function faketime(): Promise<string> {
  const cache = Deno.env.get("XDG_CACHE_HOME") ??
    `${Deno.env.get("HOME") ?? "/tmp"}/.cache`;
  const folder = `${cache}/hamlet/tools/libfaketime`;
  const find = async () =>
    (await run("find", [folder, "-name", "libfaketime.so.1"])).stdout.trim();
  try {
    return await find();
  } catch {
    await Deno.mkdir(`${cache}/hamlet/tools`, { recursive: true });
  }
  const unpacked = await Deno.makeTempDir({ dir: `${cache}/hamlet/tools` });
  const download =
    "apt-get -qq -o APT::Sandbox::User=root download libfaketime";
  await run("sh", [
    "-ec",
    `${download} || { apt-get -qq update; ${download}; }; dpkg -x libfaketime_*.deb .; rm *.deb`,
  ], { cwd: unpacked, timeout: 120_000 });
  await Deno.rename(unpacked, folder);
  return await find();
}
