import assert from "node:assert/strict";
import { workerPermissions } from "../../../runtime/host/worker_permissions.ts";

const nothing = {
  write: [],
  net: [],
  env: [],
  sys: [],
  run: false,
  ffi: false,
  import: false,
};

Deno.test("workerPermissions() gives a plugin that was granted nothing its own folder alone, and names every kind", () => {
  assert.deepEqual(
    workerPermissions(new URL("file:///opt/a%20b/mod.ts"), {}),
    { ...nothing, read: ["/opt/a b"] },
  );
});

Deno.test("workerPermissions() gives a module that is no mod.ts itself alone", () => {
  for (const file of ["a.ts", "xmod.ts"]) {
    assert.deepEqual(
      workerPermissions(new URL(`file:///opt/${file}`), {}),
      { ...nothing, read: [`/opt/${file}`] },
    );
  }
});

Deno.test("workerPermissions() adds what was granted, and no more", () => {
  assert.deepEqual(
    workerPermissions(new URL("file:///opt/a/mod.ts"), {
      read: ["/r"],
      write: ["/w"],
      net: ["unix:/s"],
      env: ["GRPC_*"],
      sys: ["hostname"],
    }),
    {
      ...nothing,
      read: ["/opt/a", "/r"],
      write: ["/w"],
      net: ["unix:/s"],
      env: ["GRPC_*"],
      sys: ["hostname"],
    },
  );
});
