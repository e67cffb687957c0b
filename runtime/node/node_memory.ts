import { type NodeFile, writeNodeFile } from "./node_file.ts";

/** What a running node remembers of itself, in memory and in `node.json`. */
export class NodeMemory {
  readonly #data: string;
  #file: NodeFile;
  #written: Promise<void> = Promise.resolve();

  /**
   * @param data The data folder.
   * @param file What is in its `node.json`.
   */
  constructor(data: string, file: NodeFile) {
    this.#data = data;
    this.#file = file;
  }

  /** What it remembers: no more than is durable, so that what could not be written can be tried again. */
  get file(): NodeFile {
    return this.#file;
  }

  /**
   * Changes some of it.
   *
   * @param change The new values; undefined forgets what need not be there.
   * @returns When that is durable.
   */
  async update(change: Partial<NodeFile>): Promise<void> {
    const written = this.#written.then(async () => {
      const file = { ...this.#file, ...change };
      await writeNodeFile(this.#data, file);
      this.#file = file;
    });
    this.#written = written.catch(() => {});
    await written;
  }
}
