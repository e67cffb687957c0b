import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { workerPermissions } from "../../../runtime/host/worker_permissions.ts";

/** What plugins import beside `mod.ts`. */
const contracts = fileURLToPath(
  new URL("../../../proto/gen", import.meta.url),
);

const nothing = {
  write: [],
  net: [],
  env: [],
  sys: [],
  run: false,
  ffi: false,
  import: false,
};

Deno.test("workerPermissions() gives a plugin that was granted nothing its own folder and the contracts alone, and names every kind", () => {
  assert.deepEqual(
    workerPermissions(new URL("file:///opt/a%20b/mod.ts"), {}),
    { ...nothing, read: ["/opt/a b", contracts] },
  );
});

Deno.test("workerPermissions() gives a module that is no mod.ts itself alone", () => {
  for (const file of ["a.ts", "xmod.ts"]) {
    assert.deepEqual(
      workerPermissions(new URL(`file:///opt/${file}`), {}),
      { ...nothing, read: [`/opt/${file}`, contracts] },
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
      read: ["/opt/a", contracts, "/r"],
      write: ["/w"],
      net: ["unix:/s"],
      env: ["GRPC_*"],
      sys: ["hostname"],
    },
  );
});

Deno.test("workerPermissions() gives every address where the grant says so", () => {
  const { net } = workerPermissions(new URL("file:///opt/a/mod.ts"), {
    net: ["127.0.0.1:1", "*"],
  });
  assert.equal(net, true);
});
