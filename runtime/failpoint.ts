/** What happens at a failpoint; see {@linkcode armFailpoints}. */
export type FailpointHook = (name: string) => void;

let hook: FailpointHook | undefined;

/**
 * Marks an instant at which a crash must lose nothing, as etcd's gofail does
 * (https://github.com/etcd-io/gofail). Costs a comparison unless armed.
 *
 * @param name Unique among the steps of one start, such as `rename ca/seal.key`.
 */
export function failpoint(name: string): void {
  hook?.(name);
}

/**
 * Arms every failpoint of this thread. The environment variable `HAMLET_FAILPOINT` of the process
 * says how: `list` writes the names to the log. `NAME` kills the process with SIGKILL there, `NAME!`
 * lets only the thread's plugin die, and `NAME#2` or `NAME#2!` waits for the second occurrence in
 * that thread. Several are separated by commas.
 *
 * @param spec The value of the variable; undefined disarms.
 * @param list Told each name in `list` mode.
 */
export function armFailpoints(
  spec: string | undefined,
  list: FailpointHook,
): void {
  if (!spec) {
    hook = undefined;
    return;
  }
  if (spec === "list") {
    hook = list;
    return;
  }
  const hooks = spec.split(",").map(parseHook);
  hook = (name) => {
    for (const hook of hooks) hook(name);
  };
}

function parseHook(spec: string): FailpointHook {
  const [, wanted = "", occurrence = "1", plugin] =
    spec.match(/^(.*?)(?:#(\d+))?(!)?$/) ?? [];
  let left = Number(occurrence);
  return (name) => {
    if (name !== wanted || --left !== 0) return;
    // A Worker needs no permission to signal its own process, and SIGKILL leaves no time to tidy up.
    if (plugin === undefined) Deno.kill(Deno.pid, "SIGKILL");
    const error = new Error(`Failpoint "${name}"`);
    // What is only thrown may be caught, such as for the answer of a call.
    reportError(error);
    throw error;
  };
}
