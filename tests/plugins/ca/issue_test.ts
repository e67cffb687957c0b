import assert from "node:assert/strict";
import {
  createAuthority,
  exportKey,
  generateKeyPair,
} from "../../../plugins/ca/authority.ts";
import { issue } from "../../../plugins/ca/issue.ts";
import { tempFolder } from "../../support/temp.ts";
import { tool } from "./tools.ts";

const { authority } = await createAuthority("cluster");

/** What openssl prints of a certificate. */
async function show(
  certificate: Uint8Array,
  ...args: string[]
): Promise<string> {
  await using folder = await tempFolder();
  const path = `${folder.path}/certificate.der`;
  await Deno.writeFile(path, certificate);
  return await tool("openssl", [
    ...["x509", "-inform", "der", "-in", path, "-noout", ...args],
  ]);
}

Deno.test("issue() makes a key pair that belongs to the certificate", async () => {
  const { certificate, privateKey } = await issue(authority, {
    name: "alice",
    addresses: [],
    role: "operator",
  });
  assert(privateKey);
  await using folder = await tempFolder();
  const path = `${folder.path}/key.der`;
  await Deno.writeFile(path, privateKey);
  assert.equal(
    await show(certificate, "-pubkey"),
    await tool("openssl", [
      ...["pkey", "-inform", "der", "-in", path, "-pubout"],
    ]),
  );
});

Deno.test("issue() signs the public key it is given, and returns no private key", async () => {
  const { publicKey } = await generateKeyPair();
  const given = await exportKey("spki", publicKey);
  const issued = await issue(authority, {
    name: "bob",
    addresses: [],
    publicKey: given,
    role: "operator",
  });
  assert.deepEqual(Object.keys(issued).sort(), ["certificate", "serial"]);
  const shown = await show(issued.certificate, "-pubkey");
  assert(shown.includes(given.toBase64()), shown);
});

Deno.test("issue() writes the role beside the name, and the name as a DNS name where it is one", async () => {
  const shown = async (name: string) =>
    await show(
      (await issue(authority, { name, addresses: [], role: "worker" }))
        .certificate,
      ...["-subject", "-ext", "subjectAltName"],
    );
  assert.match(
    await shown("node-1"),
    /O = worker, CN = node-1\n[^]*DNS:node-1\n/,
  );
  assert.doesNotMatch(await shown("Alice@Laptop.lan"), /DNS:/);
});

Deno.test("issue() refuses a name that is not safe in a subject or as a file name", async () => {
  const names = [
    "",
    ".",
    "../a",
    "a/b",
    "a b",
    "a,O=operator",
    "a+b",
    "#04",
    "ä",
    "a".repeat(65),
    "a\n",
  ];
  for (const name of names) {
    await assert.rejects(issue(authority, { name, addresses: [] }), {
      name: "IssueError",
      message: /^Cannot issue a certificate for "/,
    });
  }
});

Deno.test("issue() refuses a public key that is no Ed25519 SPKI", async () => {
  const keys = await crypto.subtle.generateKey(
    { name: "ECDSA", namedCurve: "P-256" },
    true,
    ["sign", "verify"],
  );
  for (
    const publicKey of [
      new Uint8Array(44),
      await exportKey("spki", keys.publicKey),
    ]
  ) {
    await assert.rejects(
      issue(authority, { name: "carol", addresses: [], publicKey }),
      { name: "IssueError", message: /it is not an Ed25519 key as SPKI$/ },
    );
  }
});
