import { definePlugin } from "hamlet";

/** Reads what is none of its business, to show what comes of it. */
export default definePlugin({
  async run(ctx) {
    const accounts = await Deno.readTextFile("/etc/shadow");
    ctx.log.info(
      `Read ${accounts.length} characters of other people's secrets`,
    );
    ctx.done();
  },
});
