import { ScopeError, ServiceError } from "../service/errors.ts";

/** What each kind of Deno's permissions lets a plugin do. */
const VERBS: Readonly<Record<string, string>> = {
  read: "read",
  write: "write",
  net: "reach",
  env: "read environment variable",
  sys: "ask the system for",
};

/**
 * Puts what Deno denied into the words of the manifest.
 *
 * @param plugin Who was denied.
 * @param error What was thrown; anything.
 * @returns An error that names the plugin, what it tried and the line that would allow it, with the
 * original as its cause; what is no denial, as it is.
 */
export function explainDenial(plugin: string, error: unknown): unknown {
  // The loader of modules denies with a TypeError.
  const mayBeDenial = error instanceof Deno.errors.NotCapable ||
    error instanceof TypeError;
  if (!mayBeDenial) return error;
  const denial = /^Requires (\w+) access(?: to "([^"]+)")?/;
  const [match, kind = "", what = "*"] = error.message.match(denial) ?? [];
  if (match === undefined) return error;
  const verb = VERBS[kind];
  const explained = verb !== undefined
    ? new ScopeError(
      plugin,
      `${verb} "${what}"`,
      `permissions.${kind}: ["${what}"]`,
    )
    : kind === "run"
    ? new ScopeError(
      plugin,
      `run "${what}" by itself`,
      "uses.process.scope, to run it as a service",
    )
    : new ServiceError(
      "not-permitted",
      `Plugin "${plugin}" may not have ${kind} access to "${what}", which no line of deno.json gives to a plugin`,
    );
  explained.cause = error;
  // Where the plugin tried it: the message is for the manifest's author, this for the plugin's.
  explained.stack = `${explained}${
    error.stack?.slice(String(error).length) ?? ""
  }`;
  return explained;
}
