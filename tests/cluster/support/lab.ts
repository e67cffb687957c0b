import { tempFolder } from "../../support/temp.ts";
import { Host } from "./host.ts";
import { type Namespace, openNamespace } from "./namespace.ts";

/** The switch that all hosts of a lab are plugged into. */
const SWITCH = "switch";
/** What a half of the hosts is plugged into where the network is split. */
const OTHER_SWITCH = "other";
/** The network of the hosts by IPv4 and IPv6, and in it the switch, which is everybody's default route. */
const NETWORKS = {
  ipv4: { prefix: "10.77.0.", gateway: "10.77.0.254" },
  ipv6: { prefix: "fd77::", gateway: "fd77::fe" },
} as const;

/**
 * Hosts on a switch of their own, in namespaces that only they are in: several labs may use the same
 * addresses at once, and the machine's own network has no part in it. At the end of its `await using` all
 * of it is gone.
 */
export class Lab implements AsyncDisposable {
  readonly hosts: Host[] = [];
  /** Of the switch, which reaches every host. */
  readonly wires: Namespace;
  readonly #family: keyof typeof NETWORKS;
  readonly #cleanup: AsyncDisposableStack;

  private constructor(
    family: keyof typeof NETWORKS,
    wires: Namespace,
    cleanup: AsyncDisposableStack,
  ) {
    this.#family = family;
    this.wires = wires;
    this.#cleanup = cleanup;
  }

  /**
   * Makes a lab without hosts.
   *
   * @param family What its hosts speak at first.
   */
  static async open(family: "ipv4" | "ipv6" = "ipv4"): Promise<Lab> {
    await using cleanup = new AsyncDisposableStack();
    const wires = cleanup.use(
      await openNamespace(
        `ip link add ${SWITCH} type bridge
        ip link add ${OTHER_SWITCH} type bridge
        ip address add ${NETWORKS.ipv4.gateway}/24 dev ${SWITCH}
        ip address add ${NETWORKS.ipv6.gateway}/64 dev ${SWITCH} nodad
        ip link set ${SWITCH} up
        ip link set ${OTHER_SWITCH} up`,
      ),
    );
    return new Lab(family, wires, cleanup.move());
  }

  /**
   * Adds a host and plugs it in.
   *
   * @param name What its node is called.
   */
  async host(name: string): Promise<Host> {
    const folder = this.#cleanup.use(await tempFolder());
    const etc = `${folder.path}/etc`;
    await Deno.mkdir(etc);
    await Deno.writeTextFile(`${etc}/nsswitch.conf`, "hosts: files\n");
    // By its name: hosts is replaced by rename, a file mounted there would stay the old one.
    await Deno.symlink(`${folder.path}/run/hosts`, `${etc}/hosts`);
    const namespace = this.#cleanup.use(
      await openNamespace(`mount --bind ${etc} /etc`),
    );
    const number = this.hosts.length + 1;
    const port = `port${number}`;
    const { pid } = namespace;
    await this.#ip(
      `link add ${port} type veth peer name eth0 netns ${pid}`,
    );
    await this.#ip(`link set ${port} master ${SWITCH} up`);
    const host = this.#cleanup.use(
      new Host({
        name,
        folder: folder.path,
        namespace,
        gateway: (address) =>
          NETWORKS[address.includes(":") ? "ipv6" : "ipv4"].gateway,
        explain: () =>
          this.hosts.map(({ name, log }) => `\nLog of "${name}":\n${log}`)
            .join(""),
      }),
    );
    await host.setAddress(`${NETWORKS[this.#family].prefix}${number}`);
    this.hosts.push(host);
    return host;
  }

  /** Cuts a host off, without it losing its link, as where a switch further away fails. */
  async cut(host: Host): Promise<void> {
    await this.#ip(`link set ${this.#port(host)} nomaster`);
  }

  /** Splits the network: these hosts reach each other and nobody else. */
  async split(...hosts: Host[]): Promise<void> {
    for (const host of hosts) {
      await this.#ip(`link set ${this.#port(host)} master ${OTHER_SWITCH}`);
    }
  }

  /** Takes either back. */
  async heal(...hosts: Host[]): Promise<void> {
    for (const host of hosts) {
      await this.#ip(`link set ${this.#port(host)} master ${SWITCH}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cleanup.disposeAsync();
  }

  #port(host: Host): string {
    return `port${this.hosts.indexOf(host) + 1}`;
  }

  async #ip(command: string): Promise<void> {
    await this.wires.run("ip", ...command.split(" "));
  }
}
