import {
  AuthorityName,
  type ca,
  type Caller,
  type CallOptions,
  failpoint,
  type Implementation,
  type Logger,
  parseRevocationList,
  removeFileDurably,
  ServiceError,
} from "hamlet";
import type { Authority } from "./authority.ts";
import { issue, type Issued, IssueError, type IssueOptions } from "./issue.ts";
import { withCertificate, writePending } from "./pending.ts";
import { createQueue } from "./queue.ts";
import type { StateFiles, StateOnDisk } from "./state_on_disk.ts";
import {
  type Authorities,
  commitPending,
  findSerials,
  listCertificates,
  loadAuthorities,
  readList,
  register,
  revokeSerials,
  type Store,
  watchList,
} from "./store.ts";

/** In etcd, and loaded from there. */
interface Loaded {
  readonly kind: "loaded";
  readonly authorities: Authorities;
  readonly store: Store;
}

/** The `ca` service. */
export interface CertificateService {
  readonly implementation: Implementation<typeof ca>;
  /**
   * Commits the authorities to etcd if they are pending, or loads them from there.
   *
   * @param store The store; another one each time it comes back.
   * @param options To cancel it.
   * @throws {FatalError} If etcd has other authorities, or none where it should.
   */
  attach(store: Store, options: CallOptions): Promise<void>;
}

/**
 * Makes the `ca` service. While the authorities are pending it answers what a first start needs,
 * from disk: `authority`, `issue` and `crl`. All else waits until they are in etcd.
 *
 * @param opened What the disk says.
 * @param files Where on disk it is.
 * @param log Takes what was issued and revoked.
 * @returns The service.
 */
export function createService(
  opened: StateOnDisk,
  files: StateFiles,
  log: Logger,
): CertificateService {
  let state: StateOnDisk | Loaded = opened;
  const whenLoaded = Promise.withResolvers<Loaded>();
  // What changes something runs one after another: a certificate is added to the pending ones before
  // they are committed, or registered afterwards.
  const enqueue = createQueue();

  async function attach(store: Store, options: CallOptions): Promise<void> {
    const authorities = await authoritiesIn(store, options);
    state = { kind: "loaded", authorities, store };
    whenLoaded.resolve(state);
  }

  async function authoritiesIn(
    store: Store,
    options: CallOptions,
  ): Promise<Authorities> {
    switch (state.kind) {
      case "pending": {
        const { peer, cluster } = state.pending;
        await commitPending(store, state.pending, options);
        await removeFileDurably(files.pending);
        return { peer: peer.authority, cluster: cluster.authority };
      }
      case "committed":
        return await loadAuthorities(store, state.sealKey, options);
      case "loaded":
        return state.authorities;
    }
  }

  async function loaded({ signal }: Caller): Promise<Loaded> {
    if (state.kind === "loaded") return state;
    return await Promise.race([whenLoaded.promise, rejectOnAbort(signal)]);
  }

  async function issueAndKeep(
    name: AuthorityName,
    options: IssueOptions,
    caller: Caller,
  ): Promise<{ issued: Issued; authority: Authority }> {
    const record = {
      name: options.name,
      addresses: [...options.addresses],
      ...options.role !== undefined && { role: options.role },
      issuedAt: new Date().toISOString(),
    };
    if (state.kind === "pending") {
      const { authority } = state.pending[name];
      const issued = await issue(authority, options);
      const pending = withCertificate(
        state.pending,
        name,
        issued.serial,
        record,
      );
      await writePending(files.pending, pending);
      state = { kind: "pending", pending };
      return { issued, authority };
    }
    const { authorities, store } = await loaded(caller);
    const authority = authorities[name];
    const issued = await issue(authority, options);
    failpoint("before certificate is registered");
    await register(store, name, issued.serial, record, caller);
    return { issued, authority };
  }

  return {
    attach: (store, options) => enqueue(() => attach(store, options)),

    implementation: {
      async authority({ authority: name }, caller) {
        const { certificate } = state.kind === "pending"
          ? state.pending[name].authority
          : (await loaded(caller)).authorities[name];
        return { certificate };
      },

      async issue({ authority: name, role, ...request }, caller) {
        // The queue must be free for what loads the authorities.
        if (state.kind === "committed") await loaded(caller);
        const options = { ...request, ...name === "cluster" && { role } };
        const { issued, authority } = await enqueue(() =>
          issueAndKeep(name, options, caller)
        ).catch((error) => {
          if (!(error instanceof IssueError)) throw error;
          throw new ServiceError("invalid-argument", error.message);
        });
        log.info(`Issued certificate ${issued.serial} to "${request.name}"`, {
          authority: name,
          ...name === "cluster" && { role },
          addresses: request.addresses,
          caller: caller.name,
        });
        return { ...issued, authorityCertificate: authority.certificate };
      },

      async list(_input, caller) {
        const { store } = await loaded(caller);
        const [peer, cluster] = await Promise.all([
          listCertificates(store, "peer", caller),
          listCertificates(store, "cluster", caller),
        ]);
        return { certificates: [...peer, ...cluster] };
      },

      async revoke(request, caller) {
        const { authorities, store } = await loaded(caller);
        const revoked: { authority: AuthorityName; serial: string }[] = [];
        let issued = 0;
        for (
          const name of request.authority
            ? [request.authority]
            : AuthorityName.options
        ) {
          const meant = await findSerials(store, name, request, caller);
          if (meant.length === 0) continue;
          issued += meant.length;
          const added = await enqueue(() =>
            revokeSerials(store, authorities[name], meant, caller)
          );
          for (const serial of added) {
            log.info(`Revoked certificate ${serial}`, {
              authority: name,
              caller: caller.name,
            });
            revoked.push({ authority: name, serial });
          }
        }
        if (issued === 0) {
          throw new ServiceError(
            "not-found",
            "name" in request
              ? `Cannot revoke "${request.name}": no certificate has that name`
              : `Cannot revoke "${request.serial}": no certificate has that serial number`,
          );
        }
        return { revoked };
      },

      async crl({ authority: name }, caller) {
        if (state.kind === "pending") {
          const der = state.pending[name].revocationList;
          return {
            authority: name,
            der,
            number: parseRevocationList(der).number,
          };
        }
        const { store } = await loaded(caller);
        const { der, content } = await readList(store, name, caller);
        return { authority: name, der, number: content.number };
      },

      async *watchCrl({ authority: name }, caller) {
        const { store } = await loaded(caller);
        for await (const { der, content } of watchList(store, name, caller)) {
          yield { authority: name, der, number: content.number };
        }
      },

      async committed(_input, caller) {
        if (state.kind === "pending") await loaded(caller);
        return {};
      },

      async sealKey(_input, caller) {
        // With it, a snapshot of etcd gives both authorities away: the file's mode says who may have it.
        if (caller.name === "admin") {
          throw new ServiceError(
            "not-permitted",
            "The key of the authorities' seals goes to nodes that become members, and to nobody at the admin socket",
          );
        }
        log.info("Handed out the key of the authorities' seals", {
          caller: caller.name,
        });
        return { key: await Deno.readFile(files.sealKey) };
      },
    },
  };
}

function rejectOnAbort(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.throwIfAborted();
    signal.addEventListener("abort", () => reject(signal.reason), {
      once: true,
    });
  });
}
