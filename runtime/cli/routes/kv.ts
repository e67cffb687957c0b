import { buildCommand, buildRouteMap } from "@stricli/core";
import { MAX_KEY_LENGTH } from "../../services/kv.ts";
import { clientFlags, jsonFlag } from "../flags.ts";
import { describe } from "./describe.ts";

const kvKey = {
  parse: (text: string) => {
    if (text === "") throw new TypeError("A key cannot be empty");
    if (text.length > MAX_KEY_LENGTH) {
      throw new TypeError(
        `A key has at most ${MAX_KEY_LENGTH} characters, not ${text.length}`,
      );
    }
    return text;
  },
  placeholder: "key",
  brief: "A key, such as /hello",
};

const prefixFlag = {
  kind: "boolean",
  default: false,
  withNegated: false,
  brief: "Take every key that starts with KEY",
} as const;

/** `hamlet kv`. */
export const kv = buildRouteMap({
  routes: {
    get: buildCommand({
      loader: async () => (await import("../commands/kv_get.ts")).default,
      parameters: {
        flags: { ...clientFlags, ...jsonFlag, prefix: prefixFlag },
        positional: { kind: "tuple", parameters: [kvKey] },
      },
      docs: {
        brief: "Write the value of a key to standard output, as it is",
        fullDescription: describe("hamlet kv get /hello"),
      },
    }),
    put: buildCommand({
      loader: async () => (await import("../commands/kv_put.ts")).default,
      parameters: {
        flags: { ...clientFlags, ...jsonFlag },
        positional: {
          kind: "tuple",
          parameters: [kvKey, {
            parse: String,
            placeholder: "value",
            brief: "The value; - reads it from standard input",
          }],
        },
      },
      docs: {
        brief: "Set the value of a key",
        fullDescription: describe("hamlet kv put /hello world"),
      },
    }),
    del: buildCommand({
      loader: async () => (await import("../commands/kv_del.ts")).default,
      parameters: {
        flags: { ...clientFlags, ...jsonFlag, prefix: prefixFlag },
        positional: { kind: "tuple", parameters: [kvKey] },
      },
      docs: {
        brief: "Delete a key",
        fullDescription: describe("hamlet kv del /hello"),
      },
    }),
    watch: buildCommand({
      loader: async () => (await import("../commands/kv_watch.ts")).default,
      parameters: {
        flags: { ...clientFlags, ...jsonFlag, prefix: prefixFlag },
        positional: { kind: "tuple", parameters: [kvKey] },
      },
      docs: {
        brief: "Show what is there, then every change",
        fullDescription: describe("hamlet kv watch / --prefix"),
      },
    }),
  },
  docs: { brief: "Read and write the cluster's store" },
});
