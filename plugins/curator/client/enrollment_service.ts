import type { enrollment, Implementation } from "hamlet";
import { toServiceError } from "../grpc/to_service_error.ts";
import { aborted } from "./aborted.ts";
import { askMembers, type AskMembersOptions } from "./ask_members.ts";

/** Milliseconds that a member may take to answer. */
const TIMEOUT_MS = 15_000;
/** The same for an addition: it waits while others join, and etcd while it counts its peers. */
const ADD_TIMEOUT_MS = 60_000;

/** Options of {@linkcode enrollmentService}. */
export interface EnrollmentOptions extends AskMembersOptions {
  /** Resolves once no other machine is known to run as this node. */
  readonly unique: Promise<void>;
  /** Told that this node's etcd is no member any more. */
  readonly dropped: () => void;
}

/**
 * Makes the service that gets from the other members what this node needs to become one.
 *
 * @param options Whom to ask, and as who.
 * @returns The service.
 */
export function enrollmentService(
  options: EnrollmentOptions,
): Implementation<typeof enrollment> {
  return {
    async unique(_, { signal }) {
      await Promise.race([options.unique, aborted(signal)]);
      return {};
    },

    async peerCertificate({ publicKey }, { signal }) {
      const { certificate, authority, crl } = await ask(
        "a certificate for its etcd",
        (members) =>
          members.peerCertificate({ publicKey }, {
            signal,
            timeout: TIMEOUT_MS,
          }),
        options,
        signal,
      );
      return {
        certificate: new Uint8Array(certificate),
        authorityCertificate: new Uint8Array(authority),
        crl: new Uint8Array(crl),
      };
    },

    async sealKey(_, { signal }) {
      const { key } = await ask(
        "the key of the authorities",
        (members) => members.sealKey({}, { signal, timeout: TIMEOUT_MS }),
        options,
        signal,
      );
      return { key: new Uint8Array(key) };
    },

    async addMember({ peerURL, restart, version }, { signal }) {
      const { memberId, members } = await ask(
        "its turn to become a member",
        (membership) =>
          membership.addMember(
            { peerUrl: peerURL, restart, etcdVersion: version },
            { signal, timeout: ADD_TIMEOUT_MS },
          ),
        options,
        signal,
      );
      return {
        memberId,
        members: members.map(({ name, peerUrl }) => ({
          name,
          peerURL: peerUrl,
        })),
      };
    },

    async dropped(_, { signal }) {
      options.dropped();
      await ask(
        "what this node is now",
        (members) => members.authority({}, { signal, timeout: TIMEOUT_MS }),
        options,
        signal,
      );
      return {};
    },
  };
}

async function ask<T>(...args: Parameters<typeof askMembers<T>>): Promise<T> {
  try {
    return await askMembers(...args);
  } catch (error) {
    throw toServiceError(error);
  }
}
