import { call, defineService, v } from "hamlet";

const writes = call(
  v.strictObject({
    puts: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
    /** How many are under way at a time. */
    inFlight: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
  }),
  v.object({ milliseconds: v.number() }),
);

/** Writes with etcd3 itself. */
export const direct = defineService({
  name: "direct",
  scope: v.undefined(),
  methods: { measure: writes },
});

/** Writes through the service `kv`. */
export const through = defineService({
  name: "through",
  scope: v.undefined(),
  methods: { measure: writes },
});
