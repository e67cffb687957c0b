// deno-lint-ignore-file no-console -- its caller is a person at a terminal
/** Measures, each topic in a process of its own: none is to meet what another has left in memory. */
import { parseArgs } from "node:util";

const topics = [
  "start",
  "revocation",
  "memory",
  "idle",
  "kv",
  "broker",
  "supervisor",
  "binary",
  "failover",
  "join",
  "curator",
  "hostsfile",
];

const { values, positionals } = readArguments();

function readArguments() {
  try {
    const parsed = parseArgs({
      options: { rounds: { type: "string" }, json: { type: "boolean" } },
      allowPositionals: true,
    });
    const unknown = parsed.positionals.find((topic) => !topics.includes(topic));
    if (unknown === undefined) return parsed;
    console.error(
      `Unknown topic "${unknown}": there are ${topics.join(", ")}`,
    );
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
  }
  Deno.exit(2);
}

const root = new URL("../../", import.meta.url).pathname;
const options = [
  ...values.rounds === undefined ? [] : ["--rounds", values.rounds],
  ...values.json ? ["--json"] : [],
];
for (const topic of positionals.length > 0 ? positionals : topics) {
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--quiet", "--allow-all", "--no-prompt", "--no-remote"],
      ...["--frozen", "--cached-only"],
      ...["--config", `${root}deno.json`],
      `${root}scripts/benches/${topic}.ts`,
      ...options,
    ],
    // The program as it is started by a person, with all its flags.
    env: { HAMLET_BIN: Deno.env.get("HAMLET_BIN") ?? `${root}scripts/hamlet` },
    stdin: "null",
  }).spawn().status;
  if (!success) Deno.exitCode = 1;
}
