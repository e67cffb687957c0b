import { call, defineService, v } from "hamlet";

/** Says hello, in the languages that the manifest lets a user ask for. */
export const greeter = defineService({
  name: "greeter",
  scope: v.strictObject({ languages: v.array(v.string()) }),
  methods: {
    greet: call(
      v.strictObject({ name: v.string(), language: v.string() }),
      v.object({ text: v.string() }),
    ),
  },
});
