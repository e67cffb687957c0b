import { call, defineService, z } from "hamlet";

/** Says hello, in the languages that the manifest lets a user ask for. */
export const greeter = defineService({
  name: "greeter",
  scope: z.strictObject({ languages: z.array(z.string()) }),
  methods: {
    greet: call(
      z.strictObject({ name: z.string(), language: z.string() }),
      z.object({ text: z.string() }),
    ),
  },
});
