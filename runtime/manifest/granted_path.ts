import { variableProblem } from "./variables.ts";

/** Folders whose files are the kernel's: what they give cannot be told from their names. */
const KERNEL_FOLDERS = ["/proc", "/sys", "/dev"];

/**
 * Whether a path is a folder or lies below it.
 *
 * @param path Without `.`, `..` and a trailing slash, as is `folder`.
 * @param folder The same.
 */
export function isWithin(path: string, folder: string): boolean {
  return path === folder ||
    path.startsWith(folder.endsWith("/") ? folder : `${folder}/`);
}

/**
 * What is wrong with a path that has no variables (any more). Deno takes every character of a path
 * in a permission list literally, commas and stars too, except NUL, and resolves `.` and `..`.
 *
 * @param path As `permissions.read` and `permissions.write` of a Worker take it.
 * @returns The advice, or undefined where it is right.
 */
export function absolutePathProblem(path: string): string | undefined {
  if (path === "/") return "It is every file; name one file or one folder";
  if (!path.startsWith("/")) return "It is not absolute";
  if (path.includes("\0")) return "No path has a NUL character";
  if (path.endsWith("/")) return 'Leave out the "/" at the end';
  const parts = path.slice(1).split("/");
  if (parts.some((part) => part === "" || part === "." || part === "..")) {
    return 'Write it without "//", "." and ".."';
  }
  const kernel = KERNEL_FOLDERS.find((folder) => isWithin(path, folder));
  if (kernel !== undefined) {
    return `Nothing below "${kernel}" can be granted; ask a service instead`;
  }
}

/**
 * What is wrong with a path as the manifest has it.
 *
 * @param text One of `permissions.read` or `permissions.write`.
 * @param access Which of the two.
 * @returns The advice, or undefined where it is right.
 */
export function grantedPathProblem(
  text: string,
  access: "read" | "write",
): string | undefined {
  const problem = variableProblem(text, [
    "data",
    "run",
    ...(access === "read" ? ["config", "package:NAME"] as const : []),
  ]);
  if (problem !== undefined) return problem;
  if (text === "${data}" || text === "${run}") {
    return `It is everything on this node; name what the plugin needs below it, such as "${text}/NAME"`;
  }
  const [, variable, rest = ""] = /^(\$\{[^}]*\})?(.*)$/s.exec(text) ?? [];
  if (rest.includes("${")) return "A variable can only be at the beginning";
  if (/[*?]/.test(rest)) {
    return "There are no wildcards in paths; a folder stands for all below it";
  }
  if (variable === undefined) {
    return rest.startsWith("/")
      ? absolutePathProblem(rest)
      : 'Start it with "${data}/", "${run}/" or "/"';
  }
  if (rest === "") return;
  if (variable === "${config}") return 'It is a file; write "${config}" alone';
  if (!rest.startsWith("/")) return `Write "/" after "${variable}"`;
  return absolutePathProblem(`/variable${rest}`);
}
