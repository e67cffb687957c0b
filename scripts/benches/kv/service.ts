import { call, defineService, z } from "hamlet";

const writes = call(
  z.strictObject({
    puts: z.int().positive(),
    /** How many are under way at a time. */
    inFlight: z.int().positive(),
  }),
  z.object({ milliseconds: z.number() }),
);

/** Writes with etcd3 itself. */
export const direct = defineService({
  name: "direct",
  scope: z.undefined(),
  methods: { measure: writes },
});

/** Writes through the service `kv`. */
export const through = defineService({
  name: "through",
  scope: z.undefined(),
  methods: { measure: writes },
});
