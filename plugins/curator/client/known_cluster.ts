import { ClusterNode, Latest, type Logger, v, writeFileAtomic } from "hamlet";
import type { Endpoint } from "../token.ts";

const Content = v.object({
  endpoints: v.array(
    v.object({
      id: v.string(),
      address: v.string(),
      port: v.pipe(v.number(), v.safeInteger()),
    }),
  ),
  nodes: v.array(ClusterNode),
});

/** What this node knows of its cluster: from a member that it follows or, until there is one, from before. */
export class KnownCluster {
  /** Changes whenever something else is known. */
  readonly version = new Latest(0);
  readonly #path: string;
  #nodes: ReadonlyMap<string, ClusterNode> = new Map();
  #endpoints: readonly Endpoint[] = [];
  #current = false;
  /** What the file has; a missing one says as much as an empty one. */
  #content = JSON.stringify({ endpoints: [], nodes: [] });
  #saving = Promise.resolve();

  private constructor(path: string) {
    this.#path = path;
  }

  /**
   * Reads what was remembered.
   *
   * @param path The file, in a folder that is there.
   * @param log Told where it is damaged.
   * @returns What is known.
   */
  static async open(path: string, log: Logger): Promise<KnownCluster> {
    const known = new KnownCluster(path);
    try {
      known.#content = await Deno.readTextFile(path);
      const { endpoints, nodes } = v.parse(Content, JSON.parse(known.#content));
      known.#endpoints = endpoints;
      known.#nodes = new Map(nodes.map((node) => [node.id, node]));
    } catch (error) {
      if (error instanceof SyntaxError || error instanceof v.ValiError) {
        log.warn(
          `Starting without what was known of the cluster: "${path}" is damaged`,
        );
      } else if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
    return known;
  }

  /** Every node, sorted by ID. */
  get nodes(): ClusterNode[] {
    return [...this.#nodes.values()].sort((a, b) => a.id < b.id ? -1 : 1);
  }

  /** Whether a member stands behind it now. */
  get current(): boolean {
    return this.#current;
  }

  /** Members that may be asked, in no order. */
  get endpoints(): Endpoint[] {
    const members = [...this.#nodes.values()].filter(({ role, curatorPort }) =>
      role === "member" && curatorPort !== undefined
    );
    const found = members.flatMap(({ id, addresses, curatorPort: port = 0 }) =>
      addresses.map((address) => ({ id, address, port }))
    );
    return found.length > 0 ? found : [...this.#endpoints];
  }

  /**
   * Remembers whom to ask, before there is a view.
   *
   * @param endpoints Members that a token names.
   */
  setEndpoints(endpoints: readonly Endpoint[]): void {
    this.#endpoints = endpoints;
    this.#changed();
  }

  /**
   * Takes what the member that is followed says.
   *
   * @param nodes Every node, by ID.
   */
  setNodes(nodes: ReadonlyMap<string, ClusterNode>): void {
    this.#nodes = nodes;
    this.#current = true;
    this.#changed();
  }

  /** Says that no member stands behind it any more. */
  setRemembered(): void {
    if (!this.#current) return;
    this.#current = false;
    this.#changed();
  }

  /** Writes it to disk, if the disk has something else. */
  save(): Promise<void> {
    // One at a time: they use the same temporary file.
    const saved = this.#saving.then(() => this.#write());
    this.#saving = saved.catch(() => {});
    return saved;
  }

  async #write(): Promise<void> {
    const content = JSON.stringify({
      endpoints: this.endpoints,
      nodes: this.nodes,
    });
    if (content === this.#content) return;
    await writeFileAtomic(this.#path, content);
    this.#content = content;
  }

  #changed(): void {
    this.version.set(this.version.value + 1);
  }
}
