import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { run } from "../support/process.ts";
import { tempFolder } from "../support/temp.ts";
import { consoleSteps, mask, type Step } from "./console.ts";
import { Shell, Terminal } from "./terminal.ts";

const root = new URL("../../", import.meta.url).pathname;
/** Where the document says that the checkout is. */
const HOME = "/home/you/hamlet/";
/** Milliseconds that a change may take to show. */
const SETTLE = 60_000;

Deno.test("README.md shows what the commands of its tour really write", async () => {
  const readme = await Deno.readTextFile(`${root}README.md`);
  await using folder = await tempFolder();
  await Deno.symlink(`${root}scripts`, `${folder.path}/scripts`);
  await Deno.mkdir(`${folder.path}/docs`);
  await run("cp", ["-r", `${root}docs/examples`, `${folder.path}/docs`]);
  // The program is in one folder and works in the other; to who reads the document both are the checkout.
  const seen = (text: string) =>
    mask(
      text.replaceAll(`${folder.path}/`, HOME).replaceAll(root, HOME),
    );

  await using shell = new Shell({ cwd: folder.path });
  // The last one is disposed of below, since it changes.
  let node: Terminal | undefined;
  await using _ = {
    async [Symbol.asyncDispose]() {
      await node?.[Symbol.asyncDispose]();
    },
  };

  async function follow({ command, output, line }: Step): Promise<void> {
    const at = `README.md:${line}: ${command}`;
    const lines = output.split("\n").filter((text) => text !== "");
    if (command.startsWith("scripts/hamlet dev")) {
      await node?.[Symbol.asyncDispose]();
      node = new Terminal(command, { cwd: folder.path });
      await node.shows(lines, seen);
    } else if (command === "^C") {
      assert.ok(node, `${at}: no node runs`);
      await node.interrupt();
      await node.shows(lines, seen);
      await node.ended();
    } else {
      const until = Date.now() + SETTLE;
      let written = await shell.run(command);
      // Only what changes nothing is asked again, until the change before it shows.
      const asks = /^(?:knock|scripts\/hamlet (?:status|logs)) ?/.test(command);
      while (asks && seen(written) !== seen(output) && Date.now() < until) {
        await delay(100);
        written = await shell.run(command);
      }
      assert.equal(seen(written), seen(output), at);
    }
  }

  // Those on several machines are of docs/cluster.md, and its test's.
  const steps = consoleSteps(readme).filter(({ machine }) => !machine);
  assert.ok(steps.length > 10, `There are only ${steps.length} commands`);
  for (const step of steps) await follow(step);
});

Deno.test("README.md quotes its example as it is", async () => {
  const readme = await Deno.readTextFile(`${root}README.md`);
  for (const name of ["plugin.ts", "deno.json"]) {
    const file = `docs/examples/nosy/${name}`;
    assert.ok(
      readme.includes(`\n${await Deno.readTextFile(`${root}${file}`)}\`\`\`\n`),
      `${file} is quoted otherwise`,
    );
  }
});
