import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { Lab } from "../cluster/support/lab.ts";
import { tempFolder } from "../support/temp.ts";
import { consoleSteps, mask, type Step } from "./console.ts";
import { Machine } from "./machine.ts";

const root = new URL("../../", import.meta.url).pathname;
/** Milliseconds that a change may take to show. */
const SETTLE = 60_000;
/** A token as the document has it: cut off. */
const TOKEN = /hamlet1\.[a-z]+\.[\w.-]*…/g;

Deno.test("docs/cluster.md shows what its commands really write, on machines of a cluster", async () => {
  const document = await Deno.readTextFile(`${root}docs/cluster.md`);
  const steps = consoleSteps(document);
  assert.ok(steps.length > 30, `There are only ${steps.length} commands`);

  await using stack = new AsyncDisposableStack();
  const lab = stack.use(await Lab.open());
  const machines = new Map<string, Machine>();
  /** The token that was printed last. */
  let token = "";

  async function machine(name: string | undefined): Promise<Machine> {
    assert.ok(name, "A command does not say on which machine");
    const known = machines.get(name);
    if (known !== undefined) return known;
    const folder = stack.use(await tempFolder());
    const host = await lab.host(name);
    const made = stack.use(await Machine.install(host, folder.path));
    machines.set(name, made);
    return made;
  }

  async function follow({ machine: name, ...step }: Step): Promise<void> {
    const at = `docs/cluster.md:${step.line}: ${step.command}`;
    const command = step.command.replaceAll(TOKEN, () => token);
    const [, dead] = /^([a-z]+) dies$/.exec(command) ?? [];
    if (dead !== undefined) return await (await machine(dead)).die();
    const on = await machine(name);
    const lines = step.output.split("\n").filter((text) => text !== "");
    if (command === "^C") {
      await on.node.interrupt();
      await on.node.shows(lines, seen);
      return await on.node.ended();
    }
    if (/^hamlet run/.test(command)) {
      const node = await on.runNode(command);
      return await node.shows(lines, seen).catch((cause) => {
        throw new Error(at, { cause });
      });
    }
    const until = performance.now() + SETTLE;
    let written = await on.run(command);
    // Only what changes nothing is asked again, until the change before it shows.
    const asks = /^(?:hamlet (?:status|nodes|kv get)|getent) ?/.test(command);
    while (
      asks && seen(written) !== seen(step.output) && performance.now() < until
    ) {
      await delay(100);
      written = await on.run(command);
    }
    assert.equal(seen(written), seen(step.output), at);
    token = /^hamlet1\.\S+$/m.exec(written)?.[0] ?? token;
  }

  for (const step of steps) await follow(step);
});

Deno.test("README.md starts a cluster as docs/cluster.md does", async () => {
  const [readme = "", document = ""] = await Promise.all(
    ["README.md", "docs/cluster.md"].map((path) =>
      Deno.readTextFile(root + path)
    ),
  );
  const known = consoleSteps(document);
  const shown = consoleSteps(readme).filter(({ machine }) => machine);
  assert.ok(shown.length > 3, `There are only ${shown.length} commands`);
  for (const { machine, command, output } of shown) {
    const same = known.find((step) =>
      step.machine === machine && step.command === command
    );
    assert.ok(same, command);
    // What a command writes may be left out, but not told otherwise.
    if (output !== "") assert.equal(output, same.output);
  }
});

function seen(text: string): string {
  return mask(
    text.replaceAll(TOKEN, "TOKEN").replaceAll(
      /hamlet1\.[a-z]+\.\S+/g,
      "TOKEN",
    )
      // How often it had its certificate renewed depends on when it heard what.
      .replaceAll(/(?<=certificates are revoked: )\d+/g, "NUMBER")
      // An election may have made another one the leader.
      .replaceAll(/\b(?:leader|voter)\b/g, "VOTER"),
  );
}
