import { credentials as grpc } from "@grpc/grpc-js";
import { Client as GrpcClient } from "@grpc/grpc-js";
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { once } from "node:events";
import { create, toBinary } from "@bufbuild/protobuf";
import {
  ca,
  type Caller,
  type Client,
  cluster,
  deferGoaway,
  type Implementation,
  type kv,
  Latest,
  type membership,
  network,
  type PluginContext,
  type Role,
  type Service,
  v,
} from "hamlet";
import { createService } from "../../../../plugins/ca/service.ts";
import { openState } from "../../../../plugins/ca/state_on_disk.ts";
import { KnownClusterVersion } from "../../../../plugins/consensus/cluster_version.ts";
import { createCluster } from "../../../../plugins/consensus/cluster_service.ts";
import { EtcdLink } from "../../../../plugins/consensus/etcd_link.ts";
import { parseEtcdVersion } from "../../../../plugins/consensus/etcd_version.ts";
import { ListedMembers } from "../../../../plugins/consensus/listed_members.ts";
import { readMetrics } from "../../../../plugins/consensus/metrics.ts";
import { RememberedMembers } from "../../../../plugins/consensus/remembered_members.ts";
import { PeerTraffic } from "../../../../plugins/consensus/peer_traffic.ts";
import {
  Config,
  type CuratorConfig,
} from "../../../../plugins/curator/config.ts";
import {
  createStub,
  type Stub,
} from "../../../../plugins/curator/grpc/stub.ts";
import {
  type Credentials,
  toPem,
} from "../../../../plugins/curator/identity_files.ts";
import { signedBytes } from "../../../../plugins/curator/join_signature.ts";
import { nodeIdOf } from "../../../../plugins/curator/server/node_key.ts";
import { runServer } from "../../../../plugins/curator/server/run_server.ts";
import { parseToken } from "../../../../plugins/curator/token.ts";
import {
  JoinProposalSchema,
  type JoinResponse,
  Membership,
} from "../../../../proto/gen/hamlet/cluster/v1/membership_pb.ts";
import { Curator } from "../../../../proto/gen/metropolis/node/core/curator/proto/api/api_pb.ts";
import { connect } from "../../../../runtime/broker/client.ts";
import { messagePortTransport } from "../../../../runtime/broker/message_port_transport.ts";
import { Refusals } from "../../../../runtime/broker/refusals.ts";
import { serve } from "../../../../runtime/broker/server.ts";
import { supervise } from "../../../../runtime/supervisor/mod.ts";
import { type Etcd, startEtcd } from "../../../support/etcd.ts";
import { tempFolder } from "../../../support/temp.ts";
import { openStore } from "../../store.ts";
import { RecordedLog } from "../client/recorded_log.ts";

// As the plugin does: clients end their connections in order here.
await deferGoaway();

/** A key pair of a node, and what follows from it. */
export interface Machine {
  readonly id: string;
  /** SPKI, DER. */
  readonly publicKey: Uint8Array<ArrayBuffer>;
  /** PKCS #8, PEM. */
  readonly key: string;
}

/** Both services of a server, as one client sees them. */
export interface Connection extends Disposable {
  readonly curator: Stub<typeof Curator>;
  readonly membership: Stub<typeof Membership>;
  readonly grpc: GrpcClient;
}

/** A member that serves, in this process; its etcd is real and a cluster of one. */
export interface TestMember extends AsyncDisposable {
  readonly machine: Machine;
  readonly etcd: Etcd;
  readonly port: number;
  readonly kv: Client<typeof kv>;
  readonly ca: Client<typeof ca>;
  readonly cluster: Client<typeof cluster>;
  readonly membership: Implementation<typeof membership>;
  readonly credentials: Latest<Credentials | undefined>;
  /** The cluster authority's certificate, DER. */
  readonly authority: Uint8Array<ArrayBuffer>;
  readonly log: RecordedLog;
  /** Connects, as somebody or as nobody. */
  connect(as?: { key: string; certificate: Uint8Array }): Connection;
  /** Connects with a new certificate for some name and role. */
  connectAs(
    name: string,
    role: "operator" | "member" | "worker",
  ): Promise<Connection>;
  /** Makes a machine a node, by invitation. */
  join(options?: JoinOptions): Promise<JoinedNode>;
}

/** How a machine joins. */
export interface JoinOptions {
  readonly machine?: Machine;
  readonly role?: Role;
  readonly name?: string;
  readonly token?: string;
}

/** A machine that is a node now. */
export interface JoinedNode extends Disposable {
  readonly machine: Machine;
  readonly response: JoinResponse;
  readonly connection: Connection;
}

/** @returns The key pair of a machine that no cluster knows. */
export function newMachine(): Machine {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519", {
    publicKeyEncoding: { type: "spki", format: "der" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });
  const spki = new Uint8Array(publicKey);
  return { id: nodeIdOf(spki), publicKey: spki, key: privateKey };
}

/** @returns A caller of a service, as a person is. */
export function admin(signal = AbortSignal.timeout(60_000)): Caller<undefined> {
  return { name: "admin", scope: undefined, signal };
}

/**
 * Makes what a machine sends to join.
 *
 * @param machine The machine.
 * @param text The token.
 * @param change What it says otherwise.
 */
export function joinRequest(
  machine: Machine,
  text: string,
  change: {
    name?: string;
    addresses?: string[];
    fingerprint?: Uint8Array<ArrayBuffer>;
    secret?: Uint8Array<ArrayBuffer>;
    signer?: Machine;
  } = {},
) {
  const token = parseToken(text);
  const proposal = toBinary(
    JoinProposalSchema,
    create(JoinProposalSchema, {
      authorityFingerprint: change.fingerprint ?? token.fingerprint,
      invitation: token.invitation,
      publicKey: machine.publicKey,
      name: change.name ?? "",
      addresses: change.addresses ?? ["127.0.0.1"],
    }),
  );
  const signature = sign(
    null,
    signedBytes(proposal),
    (change.signer ?? machine).key,
  );
  return {
    proposal,
    signature: new Uint8Array(signature),
    secret: change.secret ?? token.secret,
  };
}

/**
 * Founds a cluster of one member.
 *
 * @param config What is different in the plugin's config.
 */
export async function startMember(
  config: Partial<CuratorConfig> = {},
): Promise<TestMember> {
  await using cleanup = new AsyncDisposableStack();
  const machine = newMachine();
  const folder = cleanup.use(await tempFolder()).path;
  await Deno.mkdir(`${folder}/identity`);
  await Deno.writeTextFile(`${folder}/identity/key.pem`, machine.key);
  const etcd = cleanup.use(
    await startEtcd({
      args: [
        ...["--name", machine.id],
        ...["--initial-cluster", `${machine.id}=unix://peer.sock:0`],
      ],
    }),
  );

  const log = new RecordedLog();
  const store = cleanup.use(
    openStore(etcd.socket, ["/nodes/", "/names/", "/sessions/", "/invites/"]),
  ).client;
  const forCa = cleanup.use(openStore(etcd.socket)).client;
  const files = {
    pending: `${folder}/pending.json`,
    sealKey: `${folder}/seal.key`,
  };
  const service = createService(await openState(files, "make"), files, log);
  await service.attach(forCa, {});
  const link = cleanup.use(new EtcdLink(etcd.socket));
  link.connect();
  const traffic = new PeerTraffic({
    metrics: () => readMetrics(etcd.socket, link.deadline),
  });
  const version = parseEtcdVersion("etcd Version: 3.4.23");
  const known = await KnownClusterVersion.open(`${folder}/cluster-version`);
  await known.note(version);
  const clients = new Map<string, unknown>([
    ["kv", store],
    ["ca", offer(cleanup, ca, service.implementation)],
    [
      "network",
      offer(cleanup, network, {
        async *watch() {
          yield await Promise.resolve({ addresses: [] });
        },
      }),
    ],
    [
      "cluster",
      offer(
        cleanup,
        cluster,
        createCluster({
          link,
          listed: new ListedMembers(),
          traffic,
          version,
          known,
          remembered: await RememberedMembers.open(
            `${folder}/members.json`,
            machine.id,
          ),
          silentFor: () => 0,
          forceNewCluster() {},
        }),
      ),
    ],
  ]);

  const credentials = new Latest<Credentials | undefined>(undefined);
  const instance = crypto.getRandomValues(new Uint8Array(16));
  const serving = new Latest(0);
  let administration: Implementation<typeof membership> | undefined;
  const supervisor = supervise(async (ctx) => {
    const plugin: PluginContext<CuratorConfig> = {
      ...ctx,
      signal: ctx.signal,
      log: ctx.log,
      node: {
        id: machine.id,
        name: "founder",
        machineId: machine.id.slice("hamlet-".length),
        origin: "new-cluster",
        role: "member",
        folders: { data: folder, run: folder },
        listen: "127.0.0.1",
        peerPort: 0,
        curatorPort: 0,
      },
      config: { ...v.parse(Config, {}), ...config },
      use: <S extends Service>(service: S) =>
        Promise.resolve(clients.get(service.name) as Client<S>),
      provide() {},
      ready() {},
      unready() {},
    };
    ctx.run("server", (child) =>
      runServer(child, {
        plugin,
        credentials,
        instance,
        serving,
        administer: (service) => administration = service,
      }));
    ctx.healthy();
    await once(ctx.signal, "abort");
  }, { log: () => log });
  cleanup.defer(() => supervisor.cancel());

  const port = await value(serving, (port) => port !== 0);
  assert.ok(administration);
  const admitted = administration;
  const certificates = clients.get("ca") as Client<typeof ca>;
  const { certificate: authority } = await certificates.authority({
    authority: "cluster",
  });
  const connectTo = (as?: { key: string; certificate: Uint8Array }) => {
    const client = new GrpcClient(
      `127.0.0.1:${port}`,
      grpc.createSsl(
        Buffer.from(toPem(authority)),
        as ? Buffer.from(as.key) : null,
        as ? Buffer.from(toPem(as.certificate)) : null,
      ),
      {
        "grpc.ssl_target_name_override": machine.id,
        // Otherwise clients with other certificates might share a connection.
        "grpc.use_local_subchannel_pool": 1,
      },
    );
    return {
      curator: createStub(Curator, client),
      membership: createStub(Membership, client),
      grpc: client,
      [Symbol.dispose]: () => client.close(),
    };
  };
  const member = {
    machine,
    etcd,
    port,
    kv: store,
    ca: certificates,
    cluster: clients.get("cluster") as Client<typeof cluster>,
    membership: admitted,
    credentials,
    authority: new Uint8Array(authority),
    log,
    connect: connectTo,
    async connectAs(name: string, role: "operator" | "member" | "worker") {
      const one = newMachine();
      const { certificate } = await certificates.issue({
        authority: "cluster",
        name,
        addresses: [],
        publicKey: one.publicKey,
        role,
      });
      return connectTo({ key: one.key, certificate });
    },
    async join(options: JoinOptions = {}) {
      const { machine = newMachine(), role = "worker", name = "" } = options;
      const token = options.token ??
        (await admitted.invite({ role, ttl: 600, uses: 1 }, admin())).token;
      using stranger = connectTo();
      const response = await stranger.membership.join(
        joinRequest(machine, token, { name }),
      );
      const connection = connectTo({
        key: machine.key,
        certificate: response.certificate,
      });
      return {
        machine,
        response,
        connection,
        [Symbol.dispose]: () => connection[Symbol.dispose](),
      };
    },
  };
  // Tokens name members that have said where they are.
  using own = member.connect({
    key: machine.key,
    certificate: fromPem(credentials.value?.cert ?? ""),
  });
  await own.membership.report(report({ instance, curatorPort: port }));

  const end = cleanup.move();
  return { ...member, [Symbol.asyncDispose]: () => end.disposeAsync() };
}

/** What a node reports. */
export function report(
  change: {
    instance?: Uint8Array<ArrayBuffer>;
    addresses?: string[];
    curatorPort?: number;
    name?: string;
  } = {},
) {
  return {
    instance: change.instance ?? crypto.getRandomValues(new Uint8Array(16)),
    addresses: change.addresses ?? ["127.0.0.1"],
    curatorPort: change.curatorPort ?? 0,
    name: change.name ?? "",
  };
}

/** SHA-256. */
export function fingerprint(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(createHash("sha256").update(bytes).digest());
}

/** @returns The bytes of a certificate. */
export function fromPem(pem: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.fromBase64(pem.replace(/-----[^-]+-----|\s/g, ""));
}

/** Waits for a value. */
async function value<T>(
  latest: Latest<T>,
  wanted: (value: T) => boolean,
): Promise<T> {
  for await (const now of latest.watch(AbortSignal.timeout(20_000))) {
    if (wanted(now)) return now;
  }
  throw new Error("Waited for 20 s");
}

/** Connects an implementation as a plugin would see it. */
function offer<S extends Service>(
  cleanup: AsyncDisposableStack,
  service: S,
  implementation: Implementation<S>,
): Client<S> {
  const { port1, port2 } = new MessageChannel();
  const served = serve(
    service,
    implementation,
    messagePortTransport(port1),
    {
      user: { name: "curator", scope: undefined },
      refusals: new Refusals(() => {}),
    },
  );
  cleanup.defer(async () => {
    served.close();
    await served.finished;
  });
  return connect(service, messagePortTransport(port2));
}
