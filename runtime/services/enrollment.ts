import * as v from "valibot";
import { call, defineService } from "../service/contract.ts";
import { Bytes } from "../service/values.ts";

/** What a member asks of the others while it has no etcd of its own, that one does not run, or reaches nobody. */
export const enrollment = defineService({
  name: "enrollment",
  scope: v.undefined(),
  methods: {
    /** Answers once no other machine is known to run as this node: never, on a copy of one that does. */
    unique: call(v.strictObject({}), v.object({})),
    /**
     * A certificate of the *peer* authority for this node's etcd; waits until a member answers.
     * `publicKey` is Ed25519, SPKI, DER: the private key never leaves the node.
     */
    peerCertificate: call(
      v.strictObject({ publicKey: Bytes }),
      v.object({ certificate: Bytes, authorityCertificate: Bytes, crl: Bytes }),
    ),
    /** The key that opens the seals of both authorities, 32 bytes. */
    sealKey: call(v.strictObject({}), v.object({ key: Bytes })),
    /**
     * Adds this node to the members as a learner, or finds that it is one; again after a crash.
     * Answers with who else is a member, for etcd's `--initial-cluster`; waits while another joins.
     * With `restart`, this node has no etcd data: a member of its ID is removed and added again.
     * `version` is that of its etcd; `invalid-argument` where the members cannot work with it.
     */
    addMember: call(
      v.strictObject({
        peerURL: v.string(),
        restart: v.boolean(),
        version: v.string(),
      }),
      v.object({
        memberId: v.string(),
        members: v.array(v.object({ name: v.string(), peerURL: v.string() })),
      }),
    ),
    /**
     * Says that this node's etcd is no member any more, so that nothing here knows better than the
     * others what the node is now; returns once one of them answers.
     */
    dropped: call(v.strictObject({}), v.object({})),
  },
});
