import type { CallOptions } from "@grpc/grpc-js";
import type { IMember, IStatusResponse } from "etcd3";
import { Latest } from "hamlet";
import type { EtcdClient } from "./etcd_client.ts";

/** What etcd says of itself and of the members, at one look. */
export interface Look {
  readonly status: IStatusResponse;
  /** None on a learner, to which etcd does not tell them. */
  readonly members: readonly IMember[];
}

/**
 * The members as this node's etcd knows them. etcd has no watch on them, but tells how far it has applied the raft log,
 * which is where they change: they are read again only when it has gone on.
 */
export class ListedMembers {
  /** Another object each time that a look has found other members, other votes or another leader. */
  readonly found = new Latest<object>({});
  /** Where in the log `#members` were read. */
  #at = "";
  #members: readonly IMember[] = [];
  /** What `found` stands for. */
  #content = "";

  /** Has the next look tell that it has found something: whoever asked while etcd was away has heard of what was before. */
  forget(): void {
    this.#content = "";
  }

  /**
   * Asks etcd.
   *
   * @param client The way to it.
   * @param options For each of up to two calls.
   * @returns What it says.
   */
  async look(client: EtcdClient, options: CallOptions): Promise<Look> {
    const status = await client.maintenance.status(options);
    if (status.isLearner) return { status, members: [] };
    const { header, leader, raftAppliedIndex } = status;
    // A node that was removed and has joined again is another member, maybe of another cluster.
    const at = `${header.cluster_id}/${header.member_id}/${raftAppliedIndex}`;
    if (at !== this.#at) {
      const { members } = await client.cluster.memberList(
        { linearizable: false },
        options,
      );
      this.#members = members;
      this.#at = at;
    }
    const content = JSON.stringify([leader, this.#members]);
    if (content !== this.#content) {
      this.#content = content;
      this.found.set({});
    }
    return { status, members: this.#members };
  }
}
