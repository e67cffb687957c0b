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
 * says how: `list` writes the names to the log, `NAME` kills the process with SIGKILL there, and
 * `NAME#2` at its second occurrence.
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
  const [, wanted = spec, occurrence = "1"] = spec.match(/^(.*)#(\d+)$/) ?? [];
  let left = Number(occurrence);
  hook = (name) => {
    // A Worker needs no permission to signal its own process, and SIGKILL leaves no time to tidy up.
    if (name === wanted && --left === 0) Deno.kill(Deno.pid, "SIGKILL");
  };
}
