import assert from "node:assert/strict";
import {
  type Authority,
  createAuthority,
} from "../../../plugins/ca/authority.ts";
import { issue, type Issued } from "../../../plugins/ca/issue.ts";
import { signRevocationList } from "../../../plugins/ca/revocation_list.ts";
import { parseRevocationList } from "../../../runtime/pki/revocation_list.ts";
import { tempFolder } from "../../support/temp.ts";
import { goVerify, tool, zlint } from "./tools.ts";

/** What an authority signs in these tests, as files. */
interface Signed {
  readonly authority: string;
  readonly certificate: string;
  readonly issued: Issued;
  /** The number is 1. */
  readonly emptyList: string;
  /** The number is 128, and the certificate is on it. */
  readonly list: string;
}

const node = `hamlet-${"0123456789abcdef".repeat(2)}`;
const addresses = ["192.0.2.7", "2001:db8::7"];

async function sign(authority: Authority, folder: string): Promise<Signed> {
  const issued = await issue(authority, {
    name: node,
    addresses,
    role: authority.name === "cluster" ? "member" : undefined,
  });
  const { serial } = issued;
  const first = await signRevocationList(authority, {
    number: 127,
    revoked: [{ serial: "80", revokedAt: new Date("2049-12-31T23:59:59Z") }],
  });
  const second = await signRevocationList(authority, {
    number: 128,
    earlier: parseRevocationList(first).revoked,
    revoked: [{ serial, revokedAt: new Date("2050-01-01T00:00:00Z") }],
  });
  const write = async (name: string, content: Uint8Array) => {
    await Deno.writeFile(`${folder}/${name}`, content);
    return `${folder}/${name}`;
  };
  return {
    issued,
    authority: await write("authority.der", authority.certificate),
    certificate: await write("certificate.der", issued.certificate),
    emptyList: await write(
      "empty.der",
      await signRevocationList(authority, { number: 1, revoked: [] }),
    ),
    list: await write("list.der", second),
  };
}

for (const name of ["peer", "cluster"] as const) {
  Deno.test(`what the ${name} authority signs conforms`, async (t) => {
    await using folder = await tempFolder();
    const { authority } = await createAuthority(name);
    const signed = await sign(authority, folder.path);
    // `openssl verify` reads authorities as PEM only.
    const pem = `${folder.path}/authority.pem`;
    await tool("openssl", [
      ...["x509", "-inform", "der", "-in", signed.authority, "-out", pem],
    ]);

    await t.step(
      "to openssl, at any date and as server and client",
      async () => {
        for (const purpose of ["sslserver", "sslclient"]) {
          for (const time of ["0", "1800000000", "253402214400"]) {
            await tool("openssl", [
              ...["verify", "-x509_strict", "-crl_check", "-purpose", purpose],
              ...["-attime", time, "-CAfile", pem],
              ...["-CRLfile", signed.emptyList, signed.certificate],
            ]);
          }
        }
      },
    );

    await t.step("to openssl, which refuses what is revoked", async () => {
      const verifying = tool("openssl", [
        ...["verify", "-x509_strict", "-crl_check"],
        ...["-CAfile", pem, "-CRLfile", signed.list],
        signed.certificate,
      ]);
      await assert.rejects(verifying, { stderr: /certificate revoked/ });
    });

    await t.step("to Go, and so to etcd", async () => {
      const verdict = await goVerify(
        signed.authority,
        signed.certificate,
        signed.emptyList,
      );
      const { issuer, ...rest } = verdict;
      assert.match(
        issuer,
        name === "peer"
          ? /^CN=Hamlet etcd peer CA [0-9a-f]{8}$/
          : /^CN=Hamlet cluster CA [0-9a-f]{8}$/,
      );
      assert.deepEqual(rest, {
        commonName: node,
        organization: name === "cluster" ? ["member"] : null,
        serial: signed.issued.serial,
        addresses,
        dnsNames: name === "cluster" ? [node] : null,
        crlNumber: "1",
        revoked: [],
        refused: false,
      });
    });

    await t.step("to Go, which refuses what is revoked", async () => {
      const verdict = await goVerify(
        signed.authority,
        signed.certificate,
        signed.list,
      );
      assert.equal(verdict.crlNumber, "128");
      assert.deepEqual(verdict.revoked, ["80", signed.issued.serial]);
      assert(verdict.refused);
    });

    await t.step("to zlint", async () => {
      for (const file of [signed.authority, signed.certificate]) {
        assert.deepEqual(await zlint(file), [
          // The baseline requirements for the public web know RSA and ECDSA only.
          "error: e_signature_algorithm_not_supported",
        ]);
      }
      assert.deepEqual(await zlint(signed.emptyList), []);
      assert.deepEqual(await zlint(signed.list), []);
    });

    await t.step(
      "to zlint's lints of the RFCs, were it made today",
      async () => {
        // Lints do not look at what is older than their rule, and all this is dated 1970.
        const today = async (file: string) => {
          const path = `${folder.path}/today.der`;
          await Deno.writeFile(path, redate(await Deno.readFile(file)));
          // Without the rules for CAs of public trust: lifetimes, countries, policies, public names.
          return await zlint(
            path,
            "-excludeSources",
            "CABF_BR,CABF_CS_BR,CABF_EV,CABF_SMIME_BR,Mozilla,Apple",
          );
        };
        for (
          const file of [signed.authority, signed.certificate, signed.emptyList]
        ) {
          assert.deepEqual(await today(file), []);
        }
        assert.deepEqual(await today(signed.list), [
          // A list says that it was made in 1970, so that a machine with a wrong clock accepts it.
          "error: e_crl_revocation_time_after_this_update",
        ]);
      },
    );
  });
}

/** Moves the one date in 1970 to 2026; lints do not verify signatures. */
function redate(der: Uint8Array): Uint8Array {
  const from = "700101000000Z";
  const text = Array.from(der, (byte) => String.fromCharCode(byte)).join("");
  assert.equal(text.split(from).length, 2);
  return Uint8Array.from(
    text.replace(from, "260101000000Z"),
    (character) => character.charCodeAt(0),
  );
}
