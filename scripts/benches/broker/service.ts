import { call, defineService, stream, v } from "hamlet";

/** What the benchmark calls: messages like those of `kv`. */
export const bench = defineService({
  name: "bench",
  scope: v.undefined(),
  methods: {
    put: call(
      v.strictObject({
        key: v.pipe(v.string(), v.minLength(1), v.maxLength(4096)),
        value: v.instance(Uint8Array),
      }),
      v.object({
        revision: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
      }),
    ),
    lines: stream(
      v.strictObject({ count: v.pipe(v.number(), v.safeInteger()) }),
      v.object({ text: v.string() }),
    ),
  },
});
