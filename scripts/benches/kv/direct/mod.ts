import { Buffer } from "node:buffer";
import { once } from "node:events";
import { Etcd3 } from "etcd3";
import { definePlugin, v } from "hamlet";
import { measure } from "../measure.ts";
import { direct } from "../service.ts";

/** Writes to etcd with etcd3 as it comes. */
export default definePlugin({
  config: v.strictObject({ socket: v.string() }),
  async run(ctx) {
    const client = new Etcd3({ hosts: `unix:${ctx.config.socket}` });
    ctx.provide(direct, {
      measure: (writes) =>
        measure(
          writes,
          (key, value) =>
            client.put(key).value(Buffer.from(value.buffer)).exec(),
        ),
    });
    ctx.healthy();
    await once(ctx.signal, "abort");
    client.close();
  },
});
