import { ifThere } from "../../../mod.ts";
import type { Host } from "./host.ts";

/**
 * A host whose node starts again whenever it is killed, with what it is to die of next. So no round has to end it first
 * to arm it, as long as the last one did kill it. It dies for good with its `using`.
 */
export class Mortal implements Disposable {
  readonly host: Host;
  /** The step at which its next start dies, as `HAMLET_FAILPOINT` has it; none where it is empty. */
  next = "";
  #armed = "";
  #deaths = 0;
  #over = false;
  /** As it was started last. */
  #again: () => Promise<void> = () => Promise.resolve(this.start());

  /** @param host A host whose node runs, or none yet. */
  constructor(host: Host) {
    this.host = host;
  }

  /** How often it has died. */
  get deaths(): number {
    return this.#deaths;
  }

  /**
   * Makes sure that its node, which is one of the cluster, dies at a step.
   *
   * @param step The step; none where it is empty.
   */
  async arm(step: string): Promise<void> {
    this.#again = () => Promise.resolve(this.start());
    this.next = step;
    if (this.#armed === step) return;
    await this.host.node.stop();
    this.start();
    await this.host.node.ready();
  }

  /** Starts its node, armed. */
  start(): void {
    this.host.start([], { HAMLET_FAILPOINT: this.next });
    this.watch(this.next);
  }

  /**
   * Lets its node join, armed; killed meanwhile, it does so again, until it has been ready once.
   *
   * @param token The token.
   */
  async join(token: string): Promise<void> {
    this.#again = async () =>
      await this.#hasBeenReady() ? this.start() : await this.join(token);
    const { next } = this;
    await this.host.join(token, { HAMLET_FAILPOINT: next });
    this.watch(next);
  }

  /** Starts the node that runs now again where it is killed. */
  watch(armed = ""): void {
    this.#armed = armed;
    const { node } = this.host;
    void node.ended.then(async (code) => {
      if (code !== 137 || this.#over) return;
      this.#deaths++;
      await this.#again();
    });
  }

  async #hasBeenReady(): Promise<boolean> {
    const text = await ifThere(
      Deno.readTextFile(`${this.host.data}/node.json`),
    );
    return /"established":\s*true/.test(text ?? "");
  }

  [Symbol.dispose](): void {
    this.#over = true;
  }
}
