import { once } from "node:events";
import { definePlugin, kv } from "hamlet";
import { follow } from "./follow.ts";

/** Keeps the revocation lists on disk, which etcd and the curator read, equal to those in etcd. */
export default definePlugin({
  async run(ctx) {
    const { data } = ctx.node.folders;
    const store = await ctx.use(kv);
    const problems = new Map<string, string>();

    function keep(name: string, key: string, path: string): void {
      problems.set(name, `The list under "${key}" was not read yet`);
      ctx.run(
        name,
        follow(store, key, path, (problem) => {
          if (problem) problems.set(name, problem);
          else problems.delete(name);
          if (problems.size === 0) ctx.ready();
          else ctx.unready([...problems.values()].join("; "));
        }),
      );
    }

    keep("peer", "/etcd-ca/crl.der", `${data}/etcd/peer-crl/crl.der`);
    keep("cluster", "/cluster-ca/crl.der", `${data}/identity/crl.der`);
    ctx.healthy();
    if (!ctx.signal.aborted) await once(ctx.signal, "abort");
  },
});
