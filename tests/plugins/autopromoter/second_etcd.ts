import { ca } from "../../../mod.ts";
import { freePort } from "../../support/port.ts";
import { run } from "../../support/process.ts";
import { etcdctl } from "../consensus/harness.ts";
import type { EtcdNode, NodeFolders } from "../consensus/node.ts";

/** A member's etcd that was started by hand; it is killed at the end of its `await using`. */
export interface SecondEtcd extends AsyncDisposable {
  readonly pid: number;
}

/**
 * Adds a learner to a node's cluster and starts its etcd, with a certificate of the cluster's.
 *
 * @param started The node.
 * @param folders Its folders; the learner gets one beside them.
 * @returns The learner's etcd, once it has all data.
 */
export async function startLearner(
  started: EtcdNode,
  folders: NodeFolders,
): Promise<SecondEtcd> {
  const { node, endpoint } = started;
  const folder = `${folders.data}-learner`;
  await Deno.mkdir(folder);
  const port = freePort();
  const url = `https://127.0.0.1:${port}`;

  const authorities = await node.use(ca, new AbortController().signal);
  const issued = await authorities.issue({
    authority: "peer",
    name: "learner",
    addresses: ["127.0.0.1"],
  });
  const files = {
    ca: issued.authorityCertificate,
    cert: issued.certificate,
    key: issued.privateKey ?? new Uint8Array(),
  };
  for (const [name, der] of Object.entries(files)) {
    await Deno.writeFile(`${folder}/${name}.der`, der);
    const kind = name === "key" ? "pkey" : "x509";
    await run("openssl", [
      kind,
      ...["-inform", "DER", "-in", `${folder}/${name}.der`],
      ...["-out", `${folder}/${name}.pem`],
    ]);
  }

  const added = await etcdctl(
    endpoint,
    ...["member", "add", "learner", "--learner", `--peer-urls=${url}`],
  );
  const cluster = added.match(/^ETCD_INITIAL_CLUSTER="(.*)"$/m)?.[1];
  const child = new Deno.Command("setpriv", {
    args: [
      ...["--pdeathsig", "KILL", "--", "etcd"],
      "--name=learner",
      `--data-dir=${folder}/data`,
      `--listen-peer-urls=${url}`,
      `--initial-advertise-peer-urls=${url}`,
      `--initial-cluster=${cluster}`,
      "--initial-cluster-state=existing",
      "--listen-client-urls=unix://client.sock:0",
      "--advertise-client-urls=unix://client.sock:0",
      "--peer-client-cert-auth",
      `--peer-trusted-ca-file=${folder}/ca.pem`,
      `--peer-cert-file=${folder}/cert.pem`,
      `--peer-key-file=${folder}/key.pem`,
      "--experimental-peer-skip-client-san-verification",
      "--logger=zap",
      "--log-outputs=stderr",
    ],
    cwd: folder,
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const serving = Promise.withResolvers<void>();
  const read = (async () => {
    let log = "";
    for await (
      const text of child.stderr.pipeThrough(new TextDecoderStream())
    ) {
      log += text;
      if (log.includes('"msg":"serving client traffic')) serving.resolve();
    }
    serving.reject(new Error(`The learner ended with\n${log}`));
  })();
  const dispose = async () => {
    try {
      child.kill("SIGKILL");
    } catch {
      // The test has killed it.
    }
    await Promise.all([child.status, read]);
  };
  try {
    await serving.promise;
  } catch (error) {
    await dispose();
    throw error;
  }
  return { pid: child.pid, [Symbol.asyncDispose]: dispose };
}
