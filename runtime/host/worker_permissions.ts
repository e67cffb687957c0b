import { fileURLToPath } from "node:url";
import { EVERYWHERE } from "../manifest/granted_address.ts";
import { ownCode } from "../manifest/own_code.ts";

/** The resolved grant of a plugin: exactly what its Worker may touch. */
export interface PluginPermissions {
  readonly read?: readonly string[] | undefined;
  readonly write?: readonly string[] | undefined;
  readonly net?: readonly string[] | undefined;
  readonly env?: readonly string[] | undefined;
  readonly sys?: readonly string[] | undefined;
}

/** The code generated from the gRPC contracts, which plugins import beside `mod.ts`. */
const CONTRACTS = [fileURLToPath(new URL("../../proto/gen", import.meta.url))];

/**
 * Says what a plugin's Worker may touch: its grant, and read on its own code and the contracts. Of the host's code it
 * needs none: what the bootstrap has imported, such as `mod.ts`, the plugin imports from memory.
 *
 * @param module The plugin's module.
 * @param granted The plugin's grant.
 * @returns For `new Worker(…, { deno: { permissions } })`; nothing in it is inherited.
 */
export function workerPermissions(
  module: URL,
  granted: PluginPermissions,
): Deno.PermissionOptionsObject {
  const code = ownCode(module);
  return {
    read: [
      ...code === undefined ? [] : [code],
      ...CONTRACTS,
      ...granted.read ?? [],
    ],
    write: [...granted.write ?? []],
    net: granted.net?.includes(EVERYWHERE) ? true : [...granted.net ?? []],
    env: [...granted.env ?? []],
    sys: [...granted.sys ?? []],
    // Services of the runtime give these, within the scope of a declaration.
    run: false,
    ffi: false,
    import: false,
  };
}
