import type { Context, Runnable } from "../supervisor/mod.ts";
import type { NodeInfo, PluginContext } from "./plugin.ts";
import type { ServiceLink } from "./service_link.ts";

/** What a plugin's context offers beyond supervision. */
export interface PluginContextOptions<Config> {
  readonly node: NodeInfo;
  readonly config: Config;
  readonly services: ServiceLink;
  /** Told that the runnable may return. */
  readonly onDone: () => void;
  /** Told that the plugin is ready, or with a reason that it is not. */
  readonly onReadiness: (reason?: string) => void;
}

/**
 * Makes the context of a plugin's own runnable.
 *
 * @param ctx Its context as a runnable.
 * @param options See {@linkcode PluginContextOptions}.
 * @returns The context.
 */
export function pluginContext<Config>(
  ctx: Context,
  { node, config, services, onDone, onReadiness }: PluginContextOptions<Config>,
): PluginContext<Config> {
  return {
    dn: ctx.dn,
    signal: ctx.signal,
    log: ctx.log,
    run: (name, runnable) => ctx.run(name, runnable),
    runGroup: (runnables) => ctx.runGroup(runnables),
    healthy: () => ctx.healthy(),
    done() {
      ctx.done();
      onDone();
    },
    node,
    config,
    use: (service) => services.use(service),
    provide: (service, implementation) =>
      services.provide(service, implementation),
    ready: () => onReadiness(),
    unready: (reason) => onReadiness(reason),
  };
}

/**
 * Wraps a runnable so that one place judges what it and every runnable below it throws.
 *
 * @param runnable The runnable.
 * @param judge Given what was thrown and by whom; it is dead of what this throws.
 * @returns The same, watched.
 */
export function judged(
  runnable: Runnable,
  judge: (error: unknown, ctx: Context) => Promise<void>,
): Runnable {
  return async (ctx) => {
    try {
      await runnable({
        dn: ctx.dn,
        signal: ctx.signal,
        log: ctx.log,
        run: (name, child) => ctx.run(name, judged(child, judge)),
        runGroup: (children) =>
          ctx.runGroup(
            Object.fromEntries(
              Object.entries(children).map((
                [name, child],
              ) => [name, judged(child, judge)]),
            ),
          ),
        healthy: () => ctx.healthy(),
        done: () => ctx.done(),
      });
    } catch (error) {
      await judge(error, ctx);
    }
  };
}
