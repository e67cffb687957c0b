/** Somebody who waits for what a file has to be like. */
interface Waiting {
  readonly wanted: (content: string) => boolean;
  readonly found: PromiseWithResolvers<number>;
}

/** Follows a node's hosts file from outside, as the kernel tells of it. */
class HostsFile implements AsyncDisposable {
  readonly #path: string;
  readonly #watcher: Deno.FsWatcher;
  readonly #following: Promise<void>;
  #waiting: Waiting | undefined;

  constructor(run: string) {
    this.#path = `${run}/hosts`;
    this.#watcher = Deno.watchFs(run, { recursive: false });
    this.#following = this.#follow();
  }

  until(wanted: (content: string) => boolean): Promise<number> {
    const found = Promise.withResolvers<number>();
    this.#waiting = { wanted, found };
    return found.promise;
  }

  async #follow(): Promise<void> {
    for await (const { kind, paths } of this.#watcher) {
      // Of the two names of a rename, the file's is the last.
      if (kind !== "rename" && kind !== "modify") continue;
      if (paths.at(-1) !== this.#path) continue;
      const at = performance.now();
      const content = await Deno.readTextFile(this.#path);
      if (this.#waiting?.wanted(content)) this.#waiting.found.resolve(at);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#watcher.close();
    await this.#following;
  }
}

/** Follows the hosts files of several nodes. */
export class HostsFiles implements AsyncDisposable {
  readonly #files: readonly HostsFile[];

  /** @param runs The run folders of the nodes, which are there. */
  constructor(runs: readonly string[]) {
    this.#files = runs.map((run) => new HostsFile(run));
  }

  /**
   * Waits until every file is written anew as it should be.
   *
   * @param wanted Tells whether one is.
   * @returns When the last one was, of the clock of `performance`.
   */
  async until(wanted: (content: string) => boolean): Promise<number> {
    return Math.max(
      ...await Promise.all(this.#files.map((file) => file.until(wanted))),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(
      this.#files.map((file) => file[Symbol.asyncDispose]()),
    );
  }
}
