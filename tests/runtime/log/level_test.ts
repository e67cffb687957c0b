import assert from "node:assert/strict";
import { parseLogLevels } from "../../../runtime/log/level.ts";

Deno.test("parseLogLevels() reads a level and exceptions by DN", () => {
  assert.deepEqual(parseLogLevels("warning"), { level: "warning", levels: {} });
  assert.deepEqual(
    parseLogLevels("error,root.consensus.etcd=debug,root.ca=info"),
    {
      level: "error",
      levels: { "root.consensus.etcd": "debug", "root.ca": "info" },
    },
  );
  assert.deepEqual(parseLogLevels("root.ca=debug").level, "info");
});

Deno.test("parseLogLevels() refuses anything else, quoting it", () => {
  for (const text of ["", "loud", "info,", "a=b=info", "root=loud", "INFO"]) {
    assert.throws(
      () => parseLogLevels(text),
      /Cannot read ".*" as a log level/,
    );
  }
});
