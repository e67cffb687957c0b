import { definePlugin } from "hamlet";
import { bench } from "../service.ts";

/** Answers without doing anything, so that only the way there and back is measured. */
export default definePlugin({
  async run(ctx) {
    let revision = 0;
    ctx.provide(bench, {
      put: () => Promise.resolve({ revision: ++revision }),
      async *lines({ count }) {
        for (let i = 0; i < count; i++) {
          yield await Promise.resolve({
            text: "a line as a program writes it",
          });
        }
      },
    });
    ctx.ready();
    await new Promise((resolve) =>
      ctx.signal.addEventListener("abort", resolve)
    );
  },
});
