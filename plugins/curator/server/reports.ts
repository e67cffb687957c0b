import { timestampNow } from "@bufbuild/protobuf/wkt";
import type { BlockList } from "node:net";
import type { CallOptions, Logger } from "hamlet";
import type { NodeRecord } from "hamlet/proto/hamlet/cluster/v1/record_pb.ts";
import { Code, RpcError } from "../grpc/rpc_error.ts";
import { acceptAddresses } from "./addresses.ts";
import { checkName } from "./names.ts";
import type { NodesStore } from "./nodes_store.ts";

/** Options of {@linkcode Reports}. */
export interface ReportsOptions {
  readonly nodes: NodesStore;
  /** Addresses that a node may report from another one. */
  readonly trusted: BlockList;
  readonly log: Logger;
}

/** What a node says of itself. */
export interface NodeReport {
  readonly addresses: readonly string[];
  /** 0 where it runs no curator that others may ask. */
  readonly curatorPort: number;
  /** What it is called now; empty where it does not say. */
  readonly name: string;
  /** The address the report comes from; undefined where the reporter may name any. */
  readonly source: string | undefined;
  /** Whether the time of the report is kept although nothing has changed. */
  readonly always: boolean;
}

/** Takes what nodes say of themselves. */
export class Reports {
  readonly #options: ReportsOptions;

  /** @param options See {@linkcode ReportsOptions}. */
  constructor(options: ReportsOptions) {
    this.#options = options;
  }

  /**
   * Takes a report: writes what is new and may be believed.
   *
   * @param id The node it is about.
   * @param report What it says.
   * @param call To cancel it.
   * @returns What the cluster knows of the node then, and what it did not believe.
   * @throws {RpcError} `name-taken`, `bad-name`, or a port that is none.
   */
  async take(
    id: string,
    report: NodeReport,
    call: CallOptions,
  ): Promise<{ record: NodeRecord; refused: readonly string[] }> {
    const { nodes, trusted, log } = this.#options;
    const { addresses, curatorPort, source } = report;
    if (curatorPort < 0 || curatorPort > 65535) {
      throw new RpcError(
        Code.INVALID_ARGUMENT,
        `A port is 0 to 65535: current value is ${curatorPort}`,
      );
    }
    if (report.name !== "") checkName(report.name, id);
    let refused: readonly string[] = [];
    const record = await nodes.update(id, (record) => {
      const believed = acceptAddresses(addresses, {
        source,
        known: record.addresses,
        trusted,
      });
      refused = believed.refused;
      const name = report.name || record.name;
      // One whose address nobody believes keeps the one that it had.
      const now = believed.accepted.length > 0 || addresses.length === 0
        ? [...believed.accepted]
        : record.addresses;
      const same = now.join() === record.addresses.join() &&
        curatorPort === record.curatorPort && name === record.name &&
        record.reportedAt !== undefined;
      if (same && !report.always) return false;
      if (!same) {
        log.info(`Node "${name}" (${id}) has reported`, {
          addresses: now,
          curatorPort,
        });
      }
      record.addresses = now;
      record.curatorPort = curatorPort;
      record.name = name;
      record.reportedAt = timestampNow();
      return true;
    }, call);
    return { record, refused };
  }
}
