import assert from "node:assert/strict";
import { endStrays, processMarker } from "../../../runtime/node/strays.ts";
import { tempFolder } from "../../support/temp.ts";

function sleeper(env: Record<string, string>): Deno.ChildProcess {
  return new Deno.Command("sleep", { args: ["60"], env }).spawn();
}

Deno.test("endStrays() ends what an earlier start of this node left behind, and nothing else", async () => {
  await using folder = await tempFolder();
  await using other = await tempFolder();
  const marker = await processMarker(folder.path);
  await using stray = sleeper({ [marker[0]]: marker[1] });
  await using ofAnotherNode = sleeper(
    Object.fromEntries([await processMarker(other.path)]),
  );
  await using almost = sleeper({
    [marker[0]]: `${marker[1]}0`,
    [`X${marker[0]}`]: marker[1],
  });
  const logged: string[] = [];
  const log = (message: string) => void logged.push(message);
  await endStrays(marker, { debug: log, info: log, warn: log, error: log });
  assert.equal((await stray.status).signal, "SIGKILL");
  assert.deepEqual(logged, [
    `Ending process ${stray.pid} (sleep), which an earlier start of this node left behind`,
  ]);
  for (const survivor of [ofAnotherNode, almost]) {
    survivor.kill("SIGTERM");
    assert.equal((await survivor.status).signal, "SIGTERM");
  }
});
