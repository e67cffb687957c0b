import { buildCommand, buildRouteMap } from "@stricli/core";
import { isIP } from "node:net";
import { clientFlags, jsonFlag, path } from "../flags.ts";
import { describe } from "./describe.ts";

/** `hamlet cert`. */
export const cert = buildRouteMap({
  routes: {
    issue: buildCommand({
      loader: async () => (await import("../commands/cert_issue.ts")).default,
      parameters: {
        flags: {
          ...clientFlags,
          ...jsonFlag,
          ip: {
            kind: "parsed",
            parse: address,
            variadic: ",",
            optional: true,
            placeholder: "ip",
            brief:
              "An address where the holder serves; several separated by commas",
          },
          authority: {
            kind: "enum",
            values: ["cluster", "peer"],
            default: "cluster",
            brief:
              "Who signs. Whoever holds a certificate of peer can write anything into the cluster's store",
          },
          out: {
            kind: "parsed",
            parse: path,
            default: ".",
            placeholder: "folder",
            brief: "Where to write the files",
          },
          force: {
            kind: "boolean",
            default: false,
            withNegated: false,
            brief: "Replace files that exist",
          },
        },
        positional: {
          kind: "tuple",
          parameters: [{
            parse: String,
            placeholder: "NAME",
            brief: "The holder's name, also that of the files",
          }],
        },
      },
      docs: {
        brief: "Issue a certificate and write it to files",
        fullDescription: describe(
          "hamlet cert issue laptop --ip 192.0.2.7 --out certs",
          "Writes NAME.pem, NAME-key.pem (for the owner alone) and ca.pem.",
        ),
      },
    }),
    list: buildCommand({
      loader: async () => (await import("../commands/cert_list.ts")).default,
      parameters: { flags: { ...clientFlags, ...jsonFlag } },
      docs: {
        brief: "List every certificate that was issued",
        fullDescription: describe("hamlet cert list"),
      },
    }),
    revoke: buildCommand({
      loader: async () => (await import("../commands/cert_revoke.ts")).default,
      parameters: {
        flags: {
          ...clientFlags,
          ...jsonFlag,
          by: {
            kind: "enum",
            values: ["name", "serial"],
            optional: true,
            brief: "What the argument is, where it could be both",
          },
        },
        positional: {
          kind: "tuple",
          parameters: [{
            parse: String,
            placeholder: "NAME|SERIAL",
            brief: "All certificates of a name, or the one of a serial number",
          }],
        },
      },
      docs: {
        brief: "Revoke certificates",
        fullDescription: describe(
          "hamlet cert revoke laptop",
          "Returns once the revocation list is committed.",
        ),
      },
    }),
  },
  docs: { brief: "Issue, list and revoke certificates" },
});

function address(text: string): string {
  if (isIP(text) === 0) throw new TypeError("Write an IP address");
  return text;
}
