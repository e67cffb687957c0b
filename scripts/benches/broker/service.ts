import { call, defineService, stream, z } from "hamlet";

/** What the benchmark calls: messages like those of `kv`. */
export const bench = defineService({
  name: "bench",
  scope: z.undefined(),
  methods: {
    put: call(
      z.strictObject({
        key: z.string().min(1).max(4096),
        value: z.instanceof(Uint8Array),
      }),
      z.object({ revision: z.int().nonnegative() }),
    ),
    lines: stream(
      z.strictObject({ count: z.int() }),
      z.object({ text: z.string() }),
    ),
  },
});
