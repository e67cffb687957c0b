import assert from "node:assert/strict";
import {
  AUDIT_DN,
  createLog,
  type LogOptions,
} from "../../../runtime/log/log.ts";

function logged(
  options: Partial<LogOptions>,
  say: (log: ReturnType<typeof createLog>) => void,
): string[] {
  const lines: string[] = [];
  using log = createLog({
    format: "json",
    level: "info",
    levels: {},
    color: false,
    write: (text) => lines.push(text),
    ...options,
  });
  say(log);
  return lines;
}

Deno.test("createLog() writes JSON lines with time, level, DN, message and properties", () => {
  const [line = "", ...others] = logged({}, (log) =>
    log.sink({
      time: 0,
      level: "warning",
      dn: "root.consensus.etcd",
      message: "Listening on {port}",
      properties: { port: 7834, tls: true },
    }));
  assert.deepEqual(others, []);
  assert.ok(line.endsWith("}\n"));
  assert.deepEqual(JSON.parse(line), {
    time: "1970-01-01T00:00:00.000Z",
    level: "warning",
    dn: "root.consensus.etcd",
    message: "Listening on 7834",
    template: "Listening on {port}",
    properties: { port: 7834, tls: true },
  });
});

Deno.test("createLog() writes text with what the message does not show", () => {
  const [line = ""] = logged(
    { format: "text" },
    (log) =>
      log.logger("root.ca").info("Issued {name}", {
        name: "a b",
        serial: "01ff",
        note: "two words",
        ports: [1, 2],
      }),
  );
  assert.match(
    line,
    /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} INFO {2}root\.ca Issued a b serial=01ff note="two words" ports=\[1,2\]\n$/,
  );
});

Deno.test("createLog() colors only where it is told to", () => {
  const say = (log: ReturnType<typeof createLog>) =>
    log.logger("root").error("Broken");
  assert.ok(!logged({ format: "text" }, say).join("").includes("\x1b"));
  const colored = logged({ format: "text", color: true }, say).join("");
  assert.ok(colored.includes("\x1b[1;31mERROR\x1b[0m"), colored);
});

Deno.test("createLog() holds a DN's level for its subtree and for nothing else", () => {
  const dns = ["root", "root.a", "root.a.b", "root.a.b.c", "root.ab"];
  const lines = logged({
    level: "warning",
    levels: { "root.a": "debug", "root.a.b": "error" },
  }, (log) => {
    for (const dn of dns) {
      const at = log.logger(dn);
      at.debug("debug");
      at.warn("warning");
      at.error("error");
    }
  });
  assert.deepEqual(
    lines.map((line) => JSON.parse(line)).map(({ dn, level }) =>
      `${dn} ${level}`
    ),
    [
      "root warning",
      "root error",
      "root.a debug",
      "root.a warning",
      "root.a error",
      "root.a.b error",
      "root.a.b.c error",
      "root.ab warning",
      "root.ab error",
    ],
  );
});

Deno.test("createLog() logs what is on record whatever the levels are", () => {
  const lines = logged({
    level: "error",
    levels: { "root": "warning", "root.audit": "error" },
  }, (log) => {
    log.logger("root").info("One");
    log.logger(AUDIT_DN).info("Two");
    log.logger("root.auditor").info("Three");
    assert.deepEqual(
      log.history.recent().map(({ message }) => message),
      ["Two"],
    );
  });
  assert.deepEqual(lines.map((line) => JSON.parse(line).message), ["Two"]);
});

Deno.test("createLog() escapes what would move the cursor, color or begin another line", () => {
  const evil = "x\x1b[2J\x1b[31m\r\n2026-01-01 INFO root forged\x07\x9b1m";
  const [line = ""] = logged({ format: "text" }, (log) =>
    log.sink({
      time: 0,
      level: "info",
      dn: `root.${evil}`,
      message: `${evil} {evil}`,
      properties: { evil, other: evil, [evil]: 1, nested: { evil } },
    }));
  // deno-lint-ignore no-control-regex
  assert.match(line, /^[^\x00-\x1f\x7f-\x9f]*\n$/);
  assert.ok(line.includes("\\x1b"), line);
});

Deno.test("createLog() shows where an error was thrown at level debug alone", () => {
  const say = (log: ReturnType<typeof createLog>) =>
    log.logger("root").error("Failed", { error: new TypeError("Bad\x1b[0m") });
  const [quiet = ""] = logged({ format: "text" }, say);
  assert.match(quiet, /Failed error=TypeError: Bad\\x1b\[0m\n$/);
  const [loud = ""] = logged({ format: "text", level: "debug" }, say);
  assert.match(loud, /\n {4} {4}at .*log_test\.ts/);
});

Deno.test("createLog() does not repeat an error that the message tells", () => {
  const error = new TypeError("Bad");
  const say = (log: ReturnType<typeof createLog>) =>
    log.logger("root").error("Died: TypeError: Bad", { error });
  const [text = ""] = logged({ format: "text" }, say);
  assert.match(text, /Died: TypeError: Bad\n$/);
  const [json = ""] = logged({ format: "json" }, say);
  assert.equal(JSON.parse(json).properties.error.message, "Bad");
});

Deno.test("createLog() takes whatever properties there are", () => {
  const circular: Record<string, unknown> = {};
  circular["self"] = circular;
  const odd: Record<string, unknown> = {
    circular,
    big: 1n,
    symbol: Symbol("s"),
    nothing: undefined,
    nan: NaN,
    bytes: new Uint8Array(3),
    map: new Map([["k", new Set([1])]]),
    date: new Date(NaN),
    url: new URL("http://x/"),
    call: function named() {},
    proxy: new Proxy({}, {
      ownKeys: () => {
        throw new Error("No");
      },
      getPrototypeOf: () => {
        throw new Error("No");
      },
    }),
    huge: "x".repeat(1_000_000),
    after: "y",
    error: new Error("Outer", { cause: new Error("Inner") }),
    get throwing(): never {
      throw new Error("No");
    },
  };
  Object.defineProperty(odd, "__proto__", {
    value: { a: 1 },
    enumerable: true,
  });
  for (const format of ["text", "json"] as const) {
    const [line = ""] = logged({ format }, (log) =>
      log.sink({
        time: NaN,
        level: "info",
        dn: "root",
        message: "Odd {missing} {throwing} {circular}",
        properties: odd,
      }));
    assert.ok(
      line.includes("Odd {missing} [unreadable] {"),
      line.slice(0, 300),
    );
    assert.ok(line.includes("circular]"));
    assert.ok(line.length < 64 * 1024, `${line.length} characters`);
  }
});

Deno.test("createLog() keeps what it writes for those who ask later", () => {
  logged({ levels: { "root.quiet": "error" } }, (log) => {
    log.logger("root.a").info("One");
    log.logger("root.a").debug("Not written");
    log.logger("root.quiet").info("Not written");
    log.logger("root.b").info("Two");
    assert.deepEqual(
      log.history.recent().map((entry) => entry.message),
      ["One", "Two"],
    );
  });
});
