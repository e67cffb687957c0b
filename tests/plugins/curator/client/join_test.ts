import assert from "node:assert/strict";
import { createPublicKey, verify } from "node:crypto";
import { fromBinary } from "@bufbuild/protobuf";
import { FatalError } from "../../../../mod.ts";
import { certificateContent } from "../../../../plugins/curator/client/certificate_content.ts";
import {
  join,
  type JoinOptions,
} from "../../../../plugins/curator/client/join.ts";
import { KnownCluster } from "../../../../plugins/curator/client/known_cluster.ts";
import { KnownRevocations } from "../../../../plugins/curator/client/known_revocations.ts";
import {
  Code,
  type Reason,
  RpcError,
} from "../../../../plugins/curator/grpc/rpc_error.ts";
import {
  identityFiles,
  readCredentials,
} from "../../../../plugins/curator/identity_files.ts";
import { signedBytes } from "../../../../plugins/curator/join_signature.ts";
import {
  type Endpoint,
  formatToken,
  type JoinToken,
} from "../../../../plugins/curator/token.ts";
import {
  JoinProposalSchema,
} from "../../../../proto/gen/hamlet/cluster/v1/membership_pb.ts";
import { Role } from "../../../../proto/gen/hamlet/cluster/v1/record_pb.ts";
import {
  generateIdentity,
  writeIdentity,
} from "../../../../runtime/node/identity.ts";
import { tempFolder } from "../../../support/temp.ts";
import { TestAuthority } from "./authority.ts";
import { type Part, PlayedMember } from "./played_member.ts";
import { RecordedLog } from "./recorded_log.ts";

const authority = await TestAuthority.create();
const member = await authority.node("member");
const secret = crypto.getRandomValues(new Uint8Array(32));
const nowhere = { id: member.identity.id, address: "127.0.0.1", port: 1 };

function tokenFor(...endpoints: Endpoint[]): JoinToken {
  return {
    role: "worker",
    invitation: "abc",
    secret,
    fingerprint: authority.fingerprint,
    endpoints,
  };
}

/** What a member that lets everybody in answers. */
function hospitable(crl: Uint8Array): Part {
  return {
    authority: () => ({ certificate: authority.certificate }),
    async join({ proposal }) {
      const { publicKey, name } = fromBinary(JoinProposalSchema, proposal);
      const certificate = await authority.issue(
        new Uint8Array(publicKey),
        "worker",
        name,
      );
      return { certificate, crl, role: Role.WORKER };
    },
  };
}

/** A machine that is to become a node. */
async function machine(path: string) {
  await Deno.mkdir(`${path}/identity`);
  const identity = await generateIdentity();
  await writeIdentity(path, identity);
  const files = identityFiles(path);
  const log = new RecordedLog();
  const reported: string[] = [];
  const controller = new AbortController();
  const options = async (token: JoinToken): Promise<JoinOptions> => ({
    token: formatToken(token),
    name: identity.id,
    addresses: () => ["192.0.2.1"],
    files,
    known: await KnownCluster.open(`${path}/cluster.json`, log),
    revocations: await KnownRevocations.open(files.crl, true),
    log,
    signal: controller.signal,
    report: (reason) => reported.push(reason),
  });
  return { identity, files, log, reported, controller, options };
}

Deno.test("join() gets certificate, authority and revocation list, and remembers whom to ask", async () => {
  await using folder = await tempFolder();
  const { identity, files, options } = await machine(folder.path);
  const crl = await authority.revoke();
  await using played = await PlayedMember.start(member, hospitable(crl));
  const settings = await options(tokenFor(played.endpoint));
  assert.equal(await join(settings), "worker");
  const credentials = await readCredentials(files);
  assert(credentials);
  assert.equal(certificateContent(credentials.cert).role, "worker");
  assert.deepEqual(await Deno.readFile(files.crl), crl);
  assert.equal((await Deno.stat(files.cert)).mode, 0o100600);
  assert.deepEqual((await options(tokenFor())).known.endpoints, [
    played.endpoint,
  ]);
  assert(identity.id);
});

Deno.test("join() signs its proposal for this cluster alone, with the key that is to be certified", async () => {
  await using folder = await tempFolder();
  const { identity, options } = await machine(folder.path);
  const good = hospitable(await authority.revoke());
  let checked = false;
  await using played = await PlayedMember.start(member, {
    ...good,
    join(request, caller) {
      const proposal = fromBinary(JoinProposalSchema, request.proposal);
      assert.deepEqual(
        new Uint8Array(proposal.authorityFingerprint),
        authority.fingerprint,
      );
      assert.deepEqual(new Uint8Array(request.secret), secret);
      assert.deepEqual(proposal.addresses, ["192.0.2.1"]);
      assert.equal(proposal.invitation, "abc");
      checked = verify(
        null,
        signedBytes(request.proposal),
        createPublicKey(identity.pem),
        request.signature,
      );
      return good.join?.(request, caller) ?? {};
    },
  });
  await join(await options(tokenFor(played.endpoint)));
  assert(checked);
});

Deno.test("join() goes on to the next member, and tries again what may pass", async () => {
  await using folder = await tempFolder();
  const { reported, options } = await machine(folder.path);
  const good = hospitable(await authority.revoke());
  let tries = 0;
  await using played = await PlayedMember.start(member, {
    ...good,
    join(request, caller) {
      if (++tries < 3) throw new RpcError(Code.UNAVAILABLE, "No leader");
      return good.join?.(request, caller) ?? {};
    },
  });
  const settings = await options(tokenFor(nowhere, played.endpoint));
  assert.equal(await join(settings), "worker");
  assert.equal(tries, 3);
  assert(
    reported.some((line) =>
      /^Cannot join yet, tries again: .*No leader/.test(line)
    ),
  );
});

Deno.test("join() says nothing secret to who has another authority, and gives up", async () => {
  await using folder = await tempFolder();
  const { options } = await machine(folder.path);
  const other = await TestAuthority.create();
  let told = false;
  const impostor: Part = {
    authority: () => ({ certificate: other.certificate }),
    join() {
      told = true;
      return {};
    },
  };
  await using played = await PlayedMember.start(
    { ...await other.node("member"), identity: member.identity },
    impostor,
  );
  await assert.rejects(join(await options(tokenFor(played.endpoint))), {
    name: "FatalError",
    message: /the join token is of another cluster, or somebody stands between/,
  });
  assert(!told);
});

Deno.test("join() says nothing secret to who merely repeats the right authority, or is a worker of it", async () => {
  const other = await TestAuthority.create();
  for (
    const [poser, why] of [
      [await other.node("member"), /^warn Cannot join yet.*certificate/],
      [
        await authority.node("worker"),
        /^warn Cannot join yet.*its role is "worker", not "member"/,
      ],
    ] as const
  ) {
    await using folder = await tempFolder();
    const { log, controller, options } = await machine(folder.path);
    let told = false;
    await using played = await PlayedMember.start(poser, {
      authority: () => ({ certificate: authority.certificate }),
      join() {
        told = true;
        return {};
      },
    });
    const joined = join(await options(tokenFor(played.endpoint)));
    await log.until(why);
    controller.abort();
    await assert.rejects(joined);
    assert(!told);
  }
});

Deno.test("join() gives up where no other try helps, in the member's words", async () => {
  const reasons: Reason[] = [
    "expired",
    "used",
    "forged",
    "foreign",
    "name-taken",
    "bad-name",
    "cloned",
    "removed",
  ];
  for (const reason of reasons) {
    await using folder = await tempFolder();
    const { files, options } = await machine(folder.path);
    await using played = await PlayedMember.start(member, {
      ...hospitable(new Uint8Array()),
      join() {
        throw new RpcError(Code.PERMISSION_DENIED, "The reason", reason);
      },
    });
    await assert.rejects(
      join(await options(tokenFor(played.endpoint))),
      (error: Error) =>
        error instanceof FatalError && /The reason/.test(error.message),
    );
    assert.equal(await readCredentials(files), undefined);
  }
});

Deno.test("join() asks another member where the clock of one says that the token has expired", async () => {
  await using folder = await tempFolder();
  const { options } = await machine(folder.path);
  const good = hospitable(await authority.revoke());
  await using late = await PlayedMember.start(member, {
    ...good,
    join() {
      throw new RpcError(Code.PERMISSION_DENIED, "It is 1970", "expired");
    },
  });
  await using played = await PlayedMember.start(member, good);
  const settings = await options(tokenFor(late.endpoint, played.endpoint));
  assert.equal(await join(settings), "worker");
});

Deno.test("join() gives up on a token that is none, without its secret in the message", async () => {
  await using folder = await tempFolder();
  const { options } = await machine(folder.path);
  const settings = await options(tokenFor(nowhere));
  const token = settings.token.slice(0, -3);
  await assert.rejects(join({ ...settings, token }), {
    name: "FatalError",
    message: /cut off or altered/,
  });
});

Deno.test("join() does not take a certificate of another key", async () => {
  await using folder = await tempFolder();
  const { files, log, controller, options } = await machine(folder.path);
  const crl = await authority.revoke();
  const certificate = new Uint8Array(
    Uint8Array.fromBase64(
      member.credentials.cert.replace(/-----[^-]+-----|\n/g, ""),
    ),
  );
  await using played = await PlayedMember.start(member, {
    ...hospitable(crl),
    join: () => ({ certificate, crl, role: Role.WORKER }),
  });
  const joined = join(await options(tokenFor(played.endpoint)));
  await log.until(/does not fit this node's key/);
  controller.abort();
  await assert.rejects(joined);
  assert.equal(await readCredentials(files), undefined);
});
