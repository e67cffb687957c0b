import { absolutePathProblem, isWithin } from "./granted_path.ts";
import type { ProtectedPath, Variables } from "./manifest.ts";
import { realPath, symbolicLinkBelow } from "./real_path.ts";

/** A path that an entry names, as it is on this node. */
export interface NamedPath {
  /** As the manifest has it. */
  readonly text: string;
  /** What the text stands for. */
  readonly path: string;
  /** What its variable stands for; `/` where it has none. */
  readonly base: string;
}

/** Knows which paths of this node no plugin may be granted. */
export class PathGuard {
  readonly #protected: readonly (ProtectedPath & { readonly real: string })[];
  /** The node's folders, with the variable that names them. */
  readonly #folders: readonly {
    readonly variable: string;
    readonly real: string;
  }[];

  constructor(
    variables: Variables,
    protectedPaths: readonly ProtectedPath[],
  ) {
    this.#folders = (["data", "run"] as const).map((name) => ({
      variable: `\${${name}}`,
      real: realPath(variables[name]),
    }));
    this.#protected = protectedPaths
      // A file is replaced by way of `PATH.new`, see `writeFileAtomic`.
      .flatMap((one) => [one, { ...one, path: `${one.path}.new` }])
      .map((one) => ({ ...one, real: realPath(one.path) }));
  }

  /**
   * What speaks against granting a path.
   *
   * @param named The path.
   * @param access What for.
   * @returns The advice, or undefined where it can be granted.
   */
  problem(
    named: NamedPath,
    access: "read" | "write",
  ): string | undefined {
    const malformed = absolutePathProblem(named.path);
    if (malformed !== undefined) return malformed;
    try {
      return this.#problemOnDisk(named, access);
    } catch (error) {
      if (!(error instanceof Deno.errors.PermissionDenied)) throw error;
      return `It cannot be looked at: ${error.message}`;
    }
  }

  #problemOnDisk(
    { text, path, base }: NamedPath,
    access: "read" | "write",
  ): string | undefined {
    // Deno compares names and follows links: what is granted would not be what is opened.
    const link = symbolicLinkBelow(base, path);
    if (link !== undefined) {
      return `"${link}" is a symbolic link to "${
        Deno.readLinkSync(link)
      }"; remove it, or name what it leads to`;
    }
    const real = realPath(path);
    const whole = this.#folders.find((folder) => isWithin(folder.real, real));
    if (whole !== undefined) {
      return `It reaches everything below "${whole.variable}"; name what the plugin needs of it`;
    }
    const folder = this.#folders.find((folder) => isWithin(real, folder.real));
    if (folder !== undefined && !text.startsWith(folder.variable)) {
      return `It lies in a folder of the node; write it as "${folder.variable}${
        real.slice(folder.real.length)
      }"`;
    }
    const barrier = this.#protected.find((one) =>
      !(access === "read" &&
        (one.access === "read" ||
          one.access === "named" && one.real === real)) &&
      (isWithin(one.real, real) || isWithin(real, one.real)) &&
      // A node may keep its folders within a protected one, such as a checkout.
      !(folder !== undefined && isWithin(folder.real, one.real))
    );
    if (barrier !== undefined) {
      const verb = barrier.access === "none"
        ? "touch"
        : barrier.access === "named" && access === "read"
        ? "read around"
        : "write";
      return `No plugin may ${verb} "${barrier.path}": it is ${barrier.why}`;
    }
    return absolutePathProblem(real);
  }
}
