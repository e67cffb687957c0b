import { create } from "@bufbuild/protobuf";
import { timestampNow } from "@bufbuild/protobuf/wkt";
import type { ca, CallOptions, Client, NodeInfo } from "hamlet";
import {
  NodeRecordSchema,
  Role,
} from "hamlet/proto/hamlet/cluster/v1/record_pb.ts";
import {
  type Credentials,
  type IdentityFiles,
  readCredentials,
  readPublicKey,
  writeCredentials,
} from "../identity_files.ts";
import { checkName } from "./names.ts";
import { nameTaken, type NodesStore } from "./nodes_store.ts";

/** Options of {@linkcode found}. */
export interface FoundOptions {
  readonly node: NodeInfo;
  readonly files: IdentityFiles;
  readonly nodes: NodesStore;
  readonly authorities: Client<typeof ca>;
}

/**
 * Makes the node that founded the cluster its first one: nobody else could let it in. After a crash
 * at any instant it goes on.
 *
 * @param options See {@linkcode FoundOptions}.
 * @param call To cancel it.
 * @returns Who it is from then on.
 */
export async function found(
  { node, files, nodes, authorities }: FoundOptions,
  call: CallOptions,
): Promise<Credentials | undefined> {
  const publicKey = await readPublicKey(files);
  if (!await nodes.read(node.id, call)) {
    checkName(node.name, node.id);
    const record = create(NodeRecordSchema, {
      id: node.id,
      name: node.name,
      publicKey,
      role: Role.MEMBER,
      joinedAt: timestampNow(),
    });
    const owner = await nodes.add(record, {}, call)
      ? undefined
      : await nodes.ownerOf(node.name, call);
    if (owner !== undefined && owner !== node.id) {
      throw nameTaken(node.name, owner);
    }
  }
  const { certificate, authorityCertificate } = await authorities.issue({
    authority: "cluster",
    name: node.id,
    addresses: [],
    publicKey,
    role: "member",
  }, call);
  await writeCredentials(files, certificate, authorityCertificate);
  return await readCredentials(files);
}
