import assert from "node:assert/strict";
import {
  formatToken,
  type JoinToken,
  parseToken,
  TokenError,
} from "../../../plugins/curator/token.ts";

const token: JoinToken = {
  role: "worker",
  invitation: "k3v9q2",
  secret: crypto.getRandomValues(new Uint8Array(32)),
  fingerprint: crypto.getRandomValues(new Uint8Array(32)),
  endpoints: [
    {
      id: "hamlet-000102030405060708090a0b0c0d0eff",
      address: "192.0.2.1",
      port: 7835,
    },
    {
      id: "hamlet-ff0102030405060708090a0b0c0d0e00",
      address: "2001:db8::1",
      port: 65535,
    },
  ],
};

Deno.test("parseToken() reads what formatToken() wrote, also with a line end behind it", () => {
  const text = formatToken(token);
  assert.deepEqual(parseToken(text), token);
  assert.deepEqual(parseToken(`  ${text}\r\n`), token);
});

Deno.test("formatToken() writes one line that needs no quoting, and the role in clear", () => {
  const text = formatToken(token);
  assert.match(text, /^hamlet1\.worker\.[A-Za-z0-9._-]+$/);
  assert(text.length < 300, `${text.length} characters`);
});

Deno.test("parseToken() refuses a token that is cut off at any place", () => {
  const text = formatToken(token);
  for (let length = "hamlet1.".length; length < text.length; length++) {
    assert.throws(() => parseToken(text.slice(0, length)), {
      name: "TokenError",
      message: /cut off or altered, .* copy it again/,
    });
  }
});

Deno.test("parseToken() refuses a token of which one character is another", () => {
  const text = formatToken(token);
  for (let index = "hamlet1.".length; index < text.length; index++) {
    const other = text[index] === "x" ? "y" : "x";
    assert.throws(
      () => parseToken(text.slice(0, index) + other + text.slice(index + 1)),
      TokenError,
    );
  }
});

Deno.test("parseToken() says of a foreign text that it is no token, and of a later version which it is", () => {
  for (const text of ["", "K10abc::server:def", "hamlet-1.worker", "hamlet"]) {
    assert.throws(() => parseToken(text), /none of a Hamlet cluster/);
  }
  assert.throws(() => parseToken("hamlet2.worker.a"), /version 2/);
});

Deno.test("parseToken() never shows a secret", () => {
  const text = formatToken(token);
  const secret = token.secret.toBase64({
    alphabet: "base64url",
    omitPadding: true,
  });
  for (
    const bad of [text.slice(0, -1), text.slice(3), text.replace("1", "9")]
  ) {
    assert.throws(
      () => parseToken(bad),
      (error: Error) => !Deno.inspect(error).includes(secret.slice(0, 20)),
    );
  }
});

Deno.test("parseToken() refuses what has a checksum but is not as Hamlet makes it", () => {
  for (
    const bad of [
      { ...token, endpoints: [] },
      { ...token, secret: new Uint8Array(31) },
      {
        ...token,
        endpoints: token.endpoints.map((one) => ({ ...one, address: "host" })),
      },
    ]
  ) {
    assert.throws(() => parseToken(formatToken(bad)), /not as Hamlet makes it/);
  }
});
