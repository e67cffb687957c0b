// deno-lint-ignore-file no-console -- tells the test that started it

/** Uses the hostname service twice and says what came of it, to be run in namespaces of its own. */
import { hostnameService } from "../../../runtime/node/hostname_service.ts";

const [name = "", mode = "on"] = Deno.args;
const caller = {
  name: "hostsfile",
  scope: undefined,
  signal: new AbortController().signal,
};
const logged: string[] = [];
const log = (message: string) => void logged.push(message);
const service = hostnameService({
  name,
  mode: mode === "off" ? "off" : "on",
  log: { debug: log, info: log, warn: log, error: log },
});
const outcomes = [await service.set({}, caller), await service.set({}, caller)]
  .map(({ outcome }) => outcome);
const { addresses } = await service.resolve({}, caller);
console.log(
  JSON.stringify({ outcomes, hostname: Deno.hostname(), addresses, logged }),
);
