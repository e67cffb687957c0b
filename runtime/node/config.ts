import * as v from "valibot";
import { LOG_LEVELS } from "../log/level.ts";
import { ManifestError } from "../manifest/errors.ts";
import { ManifestSource } from "../manifest/manifest_source.ts";
import { shapeProblems } from "../manifest/shape_problems.ts";
import { Keys, Named, OneOf } from "../service/keys.ts";
import { IpAddress } from "../service/values.ts";
import { StartError } from "./errors.ts";
import { whyUnreadable } from "./why_unreadable.ts";

const NO_NAME =
  "A node's name is one DNS label: 1 to 63 of a to z, 0 to 9 and inner hyphens";

/** A node's name: one DNS label (RFC 1123, section 2.1), in lower case as the node ID is. */
export const NodeName = v.pipe(
  v.string(NO_NAME),
  v.regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/, NO_NAME),
);

/** An address that others can reach a node at. */
export const ReachableAddress = v.pipe(
  IpAddress,
  v.check(
    (text) => !/^[0.]+$|^[0:]+$|^::ffff:[0.:]+$/i.test(text),
    "Write the one address that others reach this node at",
  ),
);

/** A TCP port; 0 takes a free one. */
export const Port = v.pipe(
  v.number("Write a whole number"),
  v.safeInteger("Write a whole number"),
  v.minValue(0, "A port is at least 0"),
  v.maxValue(65535, "A port is at most 65535"),
);

const Level = OneOf(LOG_LEVELS);

const NO_PATH = "Write an absolute path";

/** What `/etc/hamlet/config.json` may say; the command line wins over it. */
const Config = Keys(
  v.partial(v.object({
    name: NodeName,
    listen: IpAddress,
    advertise: ReachableAddress,
    peerPort: Port,
    curatorPort: Port,
    hostname: OneOf(["on", "off"]),
    logFormat: OneOf(["text", "json"]),
    logLevel: Level,
    /** By DN, for that runnable and all below it. */
    logLevels: Named(v.string(), Level),
    /** Paths of programs, by the name the manifest calls them. */
    programs: Named(
      v.string(),
      v.pipe(v.string(NO_PATH), v.startsWith("/", NO_PATH)),
    ),
    /** Sections for plugins, by name; each is parsed by the plugin's own schema. */
    plugins: Named(v.string(), v.unknown()),
  })).entries,
);

/** A node's config file. */
export type Config = v.InferOutput<typeof Config>;

/** A config file that was read, or the lack of one. */
export interface ConfigFile {
  readonly config: Config;
  /**
   * Refuses sections for plugins that there are not.
   *
   * @param known The names of the plugins.
   * @throws {StartError} With the place of the section.
   */
  checkPlugins(known: readonly string[]): void;
}

/** Says nothing. */
export const noConfig: ConfigFile = { config: {}, checkPlugins: () => {} };

/**
 * Reads a node's config file.
 *
 * @param path The file: JSON, with comments and trailing commas allowed.
 * @param required Whether it must be there.
 * @returns What it says.
 * @throws {StartError} With `FILE:LINE:COLUMN` of everything that is wrong with it.
 */
export async function readConfig(
  path: string,
  required: boolean,
): Promise<ConfigFile> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound && !required) {
      return noConfig;
    }
    throw new StartError(
      1,
      `Cannot read config file "${path}": ${whyUnreadable(cause)}`,
      { cause },
    );
  }
  const source = parse(text, path);
  const parsed = v.safeParse(Config, source.value([]));
  const problems = [
    ...source.duplicateKeys([]),
    ...shapeProblems(source, parsed.issues ?? [], []),
  ];
  if (problems.length > 0 || !parsed.success) throw refusal(path, problems);
  const config = parsed.output;
  return {
    config,
    checkPlugins(known) {
      const unknown = Object.keys(config.plugins ?? {}).filter((name) =>
        !known.includes(name)
      );
      if (unknown.length === 0) return;
      throw refusal(
        path,
        unknown.map((name) =>
          source.keyProblem(
            ["plugins", name],
            `Known plugins are ${known.join(", ")}`,
          )
        ),
      );
    },
  };
}

function parse(text: string, path: string): ManifestSource {
  try {
    return new ManifestSource(text, path);
  } catch (error) {
    if (!(error instanceof ManifestError)) throw error;
    throw refusal(path, error.problems, error);
  }
}

function refusal(
  path: string,
  problems: readonly string[],
  cause?: unknown,
): StartError {
  return new StartError(
    1,
    [
      `Cannot use config file "${path}"; correct it and start again:`,
      ...problems,
    ].join("\n"),
    { cause },
  );
}
