import { Member, v, writeFileAtomic } from "hamlet";
import { exists } from "./exists.ts";

/** What does not change by itself while nobody can be asked. */
const Remembered = v.array(
  v.pick(Member, ["id", "name", "peerURLs", "learner"]),
);

/**
 * The members as etcd told them last. etcd answers nobody between its start and the first leader, which is when an
 * operator most wants to know who is missing.
 */
export class RememberedMembers {
  readonly #path: string;
  readonly #self: string;
  #known: v.InferOutput<typeof Remembered>;

  private constructor(
    path: string,
    self: string,
    known: v.InferOutput<typeof Remembered>,
  ) {
    this.#path = path;
    this.#self = self;
    this.#known = known;
  }

  /**
   * Reads what an earlier start remembered.
   *
   * @param path The file.
   * @param self The node ID.
   */
  static async open(path: string, self: string): Promise<RememberedMembers> {
    const text = await exists(path) ? await Deno.readTextFile(path) : "[]";
    return new RememberedMembers(
      path,
      self,
      v.parse(Remembered, JSON.parse(text)),
    );
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
    const now = v.parse(Remembered, members);
    const text = JSON.stringify(now);
    if (text === JSON.stringify(this.#known)) return;
    this.#known = now;
    await writeFileAtomic(this.#path, text);
  }
}
