import { z } from "zod";
import { call, defineService } from "../service/contract.ts";

const bytes = z.instanceof(Uint8Array);

/** What a member asks of the others while it has no etcd of its own, or that one reaches nobody. */
export const enrollment = defineService({
  name: "enrollment",
  scope: z.undefined(),
  methods: {
    /**
     * A certificate of the *peer* authority for this node's etcd; waits until a member answers.
     * `publicKey` is Ed25519, SPKI, DER: the private key never leaves the node.
     */
    peerCertificate: call(
      z.strictObject({ publicKey: bytes }),
      z.object({ certificate: bytes, authorityCertificate: bytes, crl: bytes }),
    ),
    /** The key that opens the seals of both authorities, 32 bytes. */
    sealKey: call(z.strictObject({}), z.object({ key: bytes })),
    /**
     * Adds this node to the members as a learner, or finds that it is one; again after a crash.
     * Answers with who else is a member, for etcd's `--initial-cluster`; waits while another joins.
     * With `restart`, this node has no etcd data: a member of its ID is removed and added again.
     */
    addMember: call(
      z.strictObject({ peerURL: z.string(), restart: z.boolean() }),
      z.object({
        memberId: z.string(),
        members: z.array(z.object({ name: z.string(), peerURL: z.string() })),
      }),
    ),
    /**
     * Says that this node's etcd is no member any more, so that nothing here knows better than the
     * others what the node is now; returns once one of them answers.
     */
    dropped: call(z.strictObject({}), z.object({})),
  },
});
