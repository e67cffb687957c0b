import { CompileError } from "./errors.ts";
import { output } from "./output.ts";

/** The Deno that compiles; what it appends a program to is of the same version. */
export interface Base {
  /** The path of the program. */
  readonly deno: string;
  readonly version: string;
  /** Whether it is older than what Hamlet runs on. */
  readonly forChecks: boolean;
  /** Flags of `deno compile`. */
  readonly flags: readonly string[];
}

/** The first version of Deno whose Workers have every permission that a grant may name. */
const OLDEST = [2, 9];

/**
 * Finds the Deno that compiles: the one that runs this, or the one that the variable `DENO` names together with
 * `DENORT_BIN`.
 *
 * This is the one place that knows of the older base: whatever it lacks, `network` and `hostsfile` do not need.
 *
 * @param forChecks Whether an older one than Hamlet runs on will do.
 * @returns The base.
 * @throws {CompileError} Where it is too old.
 */
export async function findBase(forChecks: boolean): Promise<Base> {
  const deno = Deno.env.get("DENO") ?? Deno.execPath();
  const [, version = ""] = (await output(deno, ["--version"])).split(" ");
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [oldestMajor = 0, oldestMinor = 0] = OLDEST;
  const isOld = major < oldestMajor ||
    (major === oldestMajor && minor < oldestMinor);
  if (isOld && !forChecks) {
    throw new CompileError(
      `Cannot release what Deno ${version} compiles: its Workers do not keep a plugin to its grant as Hamlet needs it; ` +
        `take ${
          OLDEST.join(".")
        } or newer, or say --for-checks for a program that nobody is to run`,
    );
  }
  return {
    deno,
    version,
    forChecks: isOld,
    flags: [
      // What a node runs with; scripts/hamlet explains them.
      ...(await Deno.readTextFile(new URL("../deno-flags", import.meta.url)))
        .trim().split("\n"),
      "--no-check",
      // Else the program takes machine code, as root, from a file in /tmp whose name everybody knows.
      "--no-code-cache",
    ],
  };
}
