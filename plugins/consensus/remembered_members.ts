import { ifThere, Member, v, writeFileAtomic } from "hamlet";

/** What does not change by itself while nobody can be asked. */
const Remembered = v.array(
  v.pick(Member, ["id", "name", "peerURLs", "learner"]),
);

/**
 * The members as etcd told them last. etcd answers nobody between its start and the first leader, which is when an
 * operator most wants to know who is missing.
 */
export class RememberedMembers implements AsyncDisposable {
  readonly #path: string;
  readonly #self: string;
  #known: v.InferOutput<typeof Remembered>;
  /** What the file has; a missing one says as much as an empty one. */
  #content: string;
  #writing = Promise.resolve();

  private constructor(
    path: string,
    self: string,
    known: v.InferOutput<typeof Remembered>,
  ) {
    this.#path = path;
    this.#self = self;
    this.#known = known;
    this.#content = JSON.stringify(known);
  }

  /**
   * Reads what an earlier start remembered.
   *
   * @param path The file; one that is damaged counts as missing, since etcd tells all of it again.
   * @param self The node ID.
   */
  static async open(path: string, self: string): Promise<RememberedMembers> {
    const text = await ifThere(Deno.readTextFile(path)) ?? "[]";
    return new RememberedMembers(path, self, parse(text) ?? []);
  }

  /** The members, none of whom is known to lead or to be there. */
  get list(): Member[] {
    return this.#known.map((member) => ({
      ...member,
      leader: false,
      self: member.name === this.#self,
      reachable: member.name === this.#self,
    }));
  }

  /**
   * Remembers the members.
   *
   * @param members As etcd tells them.
   */
  async update(members: readonly Member[]): Promise<void> {
    this.#known = v.parse(Remembered, members);
    // One at a time: they use the same temporary file.
    const written = this.#writing.then(() => this.#write());
    this.#writing = written.catch(() => {});
    await written;
  }

  /** Waits until nothing is being written. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writing;
  }

  async #write(): Promise<void> {
    const content = JSON.stringify(this.#known);
    if (content === this.#content) return;
    await writeFileAtomic(this.#path, content);
    this.#content = content;
  }
}

function parse(text: string): v.InferOutput<typeof Remembered> | undefined {
  try {
    return v.parse(Remembered, JSON.parse(text));
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof v.ValiError) return;
    throw error;
  }
}
