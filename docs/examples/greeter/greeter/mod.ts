import { definePlugin, ScopeError } from "hamlet";
import { greeter } from "../contracts/greeter.ts";

const HELLO = new Map([["en", "Hello"], ["de", "Guten Tag"]]);

/** Provides the service of the contract that both plugins of this distribution name. */
export default definePlugin({
  async run(ctx) {
    ctx.provide(greeter, {
      greet({ name, language }, caller) {
        if (!caller.scope.languages.includes(language)) {
          throw new ScopeError(
            caller.name,
            `be greeted in "${language}"`,
            `uses.greeter.scope.languages: ["${language}"]`,
          );
        }
        const hello = HELLO.get(language) ?? "Saluton";
        return Promise.resolve({ text: `${hello}, ${name}` });
      },
    });
    ctx.healthy();
    ctx.ready();
    await new Promise((resolve) =>
      ctx.signal.addEventListener("abort", resolve)
    );
  },
});
