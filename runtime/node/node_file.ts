import * as v from "valibot";
import { writeFileAtomic } from "../atomic_file.ts";
import { Integer } from "../service/values.ts";
import { Role } from "../services/nodes.ts";
import { version as HAMLET } from "../version.ts";
import { StartError } from "./errors.ts";
import { whyUnreadable } from "./why_unreadable.ts";

/**
 * The format of the data folder that this Hamlet makes, and the newest one it reads. It goes up with whatever an older
 * Hamlet would misread, in `node.json` or beside it. What a start finds in an older format it leaves so until the node
 * is ready: a newer Hamlet that cannot be is followed by the older one again.
 */
const VERSION = 2;

const port = v.pipe(Integer, v.minValue(1), v.maxValue(65535));

const NodeFile = v.strictObject({
  version: v.literal(VERSION),
  id: v.pipe(v.string(), v.regex(/^hamlet-[0-9a-f]{32}$/)),
  /** Absent where it is the node ID. */
  name: v.optional(v.string()),
  /** How it came to its cluster, as `NodeInfo` has it. */
  origin: v.picklist(["new-cluster", "join"]),
  role: Role,
  /** The role before, until what belongs to that alone is gone. */
  formerRole: v.optional(Role),
  peerPort: port,
  curatorPort: port,
  /** The version of Hamlet that was ready here last; absent while none was. */
  hamlet: v.optional(v.string()),
  /** Whether the node has been ready once, with data to keep; until then the start that made it may be repeated word for word. */
  established: v.boolean(),
  /** Why the cluster has removed it; absent while it has not. */
  removed: v.optional(v.string()),
});

/** What every format has. */
const Outline = v.object({
  version: Integer,
  hamlet: v.fallback(v.optional(v.string()), undefined),
});
/** Format 1 knew members alone. */
const NodeFile1 = v.pipe(
  v.strictObject({
    ...v.omit(NodeFile, ["role", "formerRole", "removed"]).entries,
    version: v.literal(1),
  }),
  v.transform((file): NodeFile => ({
    ...file,
    version: VERSION,
    role: "member",
  })),
);

/** What a node remembers of itself from start to start; that there is one makes a folder a node's. */
export type NodeFile = v.InferOutput<typeof NodeFile>;

/**
 * Reads what a node remembers of itself.
 *
 * @param data Its data folder.
 * @returns What it remembers.
 * @throws {Deno.errors.NotFound} If there is nothing.
 * @throws {StartError} If it cannot be read, is damaged or of a newer Hamlet.
 */
export async function readNodeFile(data: string): Promise<NodeFile> {
  const path = `${data}/node.json`;
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) throw cause;
    throw new StartError(
      1,
      `Cannot read "${path}": ${
        whyUnreadable(cause)
      }; put that right, or restore the file from a backup`,
      { cause },
    );
  }
  let content: unknown;
  try {
    content = JSON.parse(text);
    const { version, hamlet } = v.parse(Outline, content);
    if (version > VERSION) {
      const newer = hamlet === undefined ? "" : `, ${hamlet},`;
      throw new StartError(
        2,
        `Cannot use data folder "${data}": a newer Hamlet${newer} made it, in format ${version}, and this one, ${HAMLET}, ` +
          `knows formats up to ${VERSION}; nothing was changed; install that version again, or a newer one`,
      );
    }
    return v.parse(version === 1 ? NodeFile1 : NodeFile, content);
  } catch (cause) {
    if (cause instanceof StartError) throw cause;
    throw new StartError(
      1,
      `Cannot read "${path}": it is damaged; restore it from a backup`,
      { cause },
    );
  }
}

/**
 * Replaces what a node remembers of itself.
 *
 * @param data Its data folder.
 * @param file What it remembers.
 */
export async function writeNodeFile(
  data: string,
  file: NodeFile,
): Promise<void> {
  await writeFileAtomic(
    `${data}/node.json`,
    JSON.stringify(file, null, 2) + "\n",
  );
}
