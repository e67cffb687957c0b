import { type Logger, v, writeFileAtomic } from "hamlet";
import { entryProblem, type HostsEntry } from "./hosts_file.ts";

const Content = v.object({
  nodes: v.array(
    v.object({ id: v.string(), name: v.string(), address: v.string() }),
  ),
});

/** The file that keeps what was learnt of other nodes, so that their names resolve after a reboot without the cluster. */
export class RememberedNodes {
  readonly #path: string;
  #content: string | undefined;

  /** @param path The file, in a folder that is there. */
  constructor(path: string) {
    this.#path = path;
  }

  /**
   * Reads the file.
   *
   * @param log Told where it is damaged, which is no reason not to start.
   * @returns The nodes by ID; none where there is no file yet.
   */
  async read(log: Logger): Promise<ReadonlyMap<string, HostsEntry>> {
    try {
      this.#content = await Deno.readTextFile(this.#path);
      const { nodes } = v.parse(Content, JSON.parse(this.#content));
      const good = nodes.filter((entry) => entryProblem(entry) === undefined);
      return new Map(good.map((entry) => [entry.id, entry]));
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return new Map();
      if (!(error instanceof SyntaxError || error instanceof v.ValiError)) {
        throw error;
      }
      log.warn(
        `Starting without what was known of other nodes: "${this.#path}" is damaged`,
      );
      return new Map();
    }
  }

  /**
   * Writes the file, if it says something else.
   *
   * @param nodes The nodes, in any order.
   */
  async write(nodes: readonly HostsEntry[]): Promise<void> {
    const content = JSON.stringify({
      nodes: nodes.toSorted((a, b) => a.id < b.id ? -1 : 1),
    });
    if (content === this.#content) return;
    await writeFileAtomic(this.#path, content);
    this.#content = content;
  }
}
