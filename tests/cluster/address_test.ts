import { allResolve, invite, members } from "./support/grow.ts";
import { Lab } from "./support/lab.ts";
import { read, write } from "./support/writes.ts";
import assert from "node:assert/strict";

Deno.test("members and workers get other addresses one after another, and all follow", async () => {
  await using lab = await Lab.open();
  const [one, two, three] = await members(lab, "one", "two", "three");
  const four = await lab.host("four");
  await (await four.join(await invite(one, "worker"))).ready();
  await allResolve(lab.hosts);

  for (const [index, host] of [four, three, two].entries()) {
    await host.setAddress(`10.77.0.${101 + index}`);
    await allResolve(lab.hosts);
    for (const member of [one, two, three]) {
      await member.node.status(({ ready, members }) =>
        ready &&
        (host === four || members.some(({ peerURLs }) =>
          peerURLs.includes(`https://${host.address}:7834`)
        ))
      );
    }
    await write(host === one ? two : one, `/test/${index}`, "1");
  }
  assert.equal(await read(two, "/test/2"), "1");
});
