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
import { acceptAddresses, blockList } from "./addresses.ts";
import { checkName } from "./names.ts";
import { nameTaken, type NodesStore } from "./nodes_store.ts";

/** The node that founded its cluster: nobody else could let it in. */
export interface Founder {
  readonly node: NodeInfo;
  /** Where others reach it, as far as that is known: its first certificate says so, and need not be renewed at once. */
  readonly addresses: readonly string[];
  readonly files: IdentityFiles;
}

/**
 * Gets the founder its first certificate, which its authorities issue before they are in etcd.
 *
 * @param founder The node.
 * @param authorities Issue it.
 * @param call To cancel it.
 * @returns Who it is from then on.
 */
export async function certifyFounder(
  { node, addresses, files }: Founder,
  authorities: Client<typeof ca>,
  call: CallOptions,
): Promise<Credentials | undefined> {
  const { certificate, authorityCertificate } = await authorities.issue({
    authority: "cluster",
    name: node.id,
    addresses: believed(addresses),
    publicKey: await readPublicKey(files),
    role: "member",
  }, call);
  await writeCredentials(files, certificate, authorityCertificate);
  return await readCredentials(files);
}

/**
 * Makes the founder the first node of its cluster, unless an earlier start did.
 *
 * @param founder The node.
 * @param nodes Where it is to be.
 * @param call To cancel it.
 * @throws {RpcError} If its name cannot be one, or is another node's.
 */
export async function registerFounder(
  { node, addresses, files }: Founder,
  nodes: NodesStore,
  call: CallOptions,
): Promise<void> {
  checkName(node.name, node.id);
  const record = create(NodeRecordSchema, {
    id: node.id,
    name: node.name,
    publicKey: await readPublicKey(files),
    role: Role.MEMBER,
    addresses: believed(addresses),
    curatorPort: node.curatorPort,
    joinedAt: timestampNow(),
    reportedAt: timestampNow(),
  });
  if (await nodes.add(record, {}, call)) return;
  if (await nodes.read(node.id, call)) return;
  const owner = await nodes.ownerOf(node.name, call);
  if (owner !== undefined) throw nameTaken(node.name, owner);
}

/** Those that will be taken of its own reports. */
function believed(addresses: readonly string[]): string[] {
  const { accepted } = acceptAddresses(addresses, {
    source: undefined,
    known: [],
    trusted: blockList([]),
  });
  return [...accepted];
}
