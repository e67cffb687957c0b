import assert from "node:assert/strict";
import {
  parseRevocationList,
  RevocationListError,
} from "../../../runtime/pki/revocation_list.ts";

/** Encodes one DER element, of less than 64 KiB. */
function der(tag: number, ...content: (string | Uint8Array)[]): Uint8Array {
  const bytes = content.flatMap((piece) => [
    ...typeof piece === "string" ? Uint8Array.fromHex(piece) : piece,
  ]);
  const length = bytes.length < 0x80
    ? [bytes.length]
    : bytes.length < 0x100
    ? [0x81, bytes.length]
    : [0x82, bytes.length >> 8, bytes.length & 0xff];
  return Uint8Array.of(tag, ...length, ...bytes);
}

const time = (text: string) =>
  der(text.length === 13 ? 0x17 : 0x18, new TextEncoder().encode(text));
const ed25519 = der(0x30, "06032b6570");
const serial = "4142434445464748494a4b4c4d4e4f50";
const entry = der(0x30, der(2, serial), time("261121101112Z"));
const number = der(0x30, "0603551d14", der(4, "02020100"));
const keyId = der(0x30, "0603551d23", der(4, der(0x30, der(0x80, "c0ffee"))));

/** A list whose parts can be replaced one at a time. */
function list(parts: {
  version?: Uint8Array;
  entries?: Uint8Array[];
  extensions?: Uint8Array[];
  rest?: string;
} = {}): Uint8Array {
  const { entries = [entry], extensions = [number, keyId] } = parts;
  return der(
    0x30,
    der(
      0x30,
      parts.version ?? "020101",
      ed25519,
      "3000",
      time("700101000000Z"),
      time("99991231235959Z"),
      ...entries.length > 0 ? [der(0x30, ...entries)] : [],
      der(0xa0, der(0x30, ...extensions)),
      parts.rest ?? "",
    ),
    ed25519,
    der(3, `00${"5a".repeat(64)}`),
  );
}

Deno.test("parseRevocationList() reads number, authority, serials and dates", () => {
  const entries = [
    entry,
    der(
      0x30,
      "020200ff",
      time("20500101000000Z"),
      der(0x30, der(0x30, "0603551d15", der(4, "0a0101"))),
    ),
    der(0x30, "02017f", time("500101000000Z")),
  ];
  const { number, authorityKeyId, revoked } = parseRevocationList(
    list({ entries }),
  );
  assert.equal(number, 256);
  assert.equal(authorityKeyId, "c0ffee");
  assert.equal(revoked.size, 3);
  assert.deepEqual([...revoked], [
    { serial, revokedAt: new Date("2026-11-21T10:11:12Z") },
    { serial: "ff", revokedAt: new Date("2050-01-01T00:00:00Z") },
    { serial: "7f", revokedAt: new Date("1950-01-01T00:00:00Z") },
  ]);
});

Deno.test("parseRevocationList() reads a list on which nobody is", () => {
  const { revoked } = parseRevocationList(list({ entries: [] }));
  assert.equal(revoked.size, 0);
  assert.deepEqual([...revoked], []);
});

Deno.test("RevokedCertificates.has() finds the serials that are on it, and no others", () => {
  const others = ["020200ff", "02017f", "02020100"]
    .map((integer) => der(0x30, integer, time("261121101112Z")));
  const { revoked } = parseRevocationList(
    list({ entries: [...others, entry] }),
  );
  for (const on of ["ff", "7f", "0100", serial]) assert(revoked.has(on), on);
  for (
    const off of ["00ff", "80", "01", "00", `${serial}00`, serial.slice(2)]
  ) {
    assert(!revoked.has(off), off);
  }
});

Deno.test("parseRevocationList() refuses a list cut off anywhere, or with anything behind it", () => {
  const whole = list();
  for (let length = 0; length < whole.length; length++) {
    assert.throws(
      () => parseRevocationList(whole.subarray(0, length)),
      RevocationListError,
    );
  }
  assert.throws(() => parseRevocationList(Uint8Array.of(...whole, 0)), {
    message: /: 1 bytes follow where nothing should$/,
  });
});

Deno.test("parseRevocationList() either reads altered bytes or throws a RevocationListError", () => {
  const whole = list();
  for (let index = 0; index < whole.length; index++) {
    for (const value of [0, 1, 0x7f, 0x80, 0x84, 0xff]) {
      const altered = whole.with(index, value);
      try {
        assert(Number.isSafeInteger(parseRevocationList(altered).number));
      } catch (error) {
        assert(error instanceof RevocationListError, `${error}`);
      }
    }
  }
});

const refused: Record<string, [Uint8Array, RegExp]> = {
  "of version 1": [list({ version: der(2, "00") }), /not a version 2 list/],
  "without a number": [list({ extensions: [keyId] }), /no CRL number/],
  "without the authority's key identifier": [
    list({ extensions: [number] }),
    /no authority key identifier/,
  ],
  "whose number is 0": [
    list({ extensions: [keyId, der(0x30, "0603551d14", der(4, "020100"))] }),
    /integer 0 is not positive/,
  ],
  "whose number is beyond a safe integer": [
    list({
      extensions: [
        keyId,
        der(0x30, "0603551d14", der(4, "020720000000000001")),
      ],
    }),
    /is too large/,
  ],
  "that is a delta to another": [
    list({
      extensions: [
        number,
        keyId,
        der(0x30, "0603551d1b", "0101ff", der(4, "020101")),
      ],
    }),
    /critical extension 551d1b is not known/,
  ],
  "with a negative serial": [
    list({ entries: [der(0x30, "0201ff", time("261121101112Z"))] }),
    /integer ff is not positive DER/,
  ],
  "with a serial that is longer than it need be": [
    list({ entries: [der(0x30, "0202007f", time("261121101112Z"))] }),
    /integer 007f is not positive DER/,
  ],
  ...Object.fromEntries(
    [
      "261321101112Z",
      "260021101112Z",
      "261132101112Z",
      "261121241112Z",
      "261121106012Z",
      "261121101160Z",
      "2611211011a2Z",
      "261121101112X",
      "2026112110111Z",
    ].map((text): [string, [Uint8Array, RegExp]] => [
      `with the date ${text}`,
      [
        list({
          entries: [
            der(0x30, "020101", der(0x17, new TextEncoder().encode(text))),
          ],
        }),
        new RegExp(`Cannot read "${text}" as a time`),
      ],
    ]),
  ),
  "with something after its extensions": [
    list({ rest: "0500" }),
    /2 bytes follow/,
  ],
  "that is PEM": [
    new TextEncoder().encode("-----BEGIN X509 CRL-----"),
    /tag 0x30: current value is 0x2d/,
  ],
  "that is empty": [
    new Uint8Array(),
    /a revocation list of 0 bytes: .* current value is the end/,
  ],
  "with the indefinite length of BER": [
    Uint8Array.fromHex("30800000"),
    /a length that starts with 0x80/,
  ],
  "with a length that is longer than it need be": [
    Uint8Array.fromHex("30810100"),
    /length 1 is not encoded as DER/,
  ],
};

for (const [what, [bytes, message]] of Object.entries(refused)) {
  Deno.test(`parseRevocationList() refuses a list ${what}`, () => {
    assert.throws(() => parseRevocationList(bytes), {
      name: "RevocationListError",
      message,
    });
  });
}
