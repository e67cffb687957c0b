import assert from "node:assert/strict";
import type { Member } from "../../../mod.ts";
import { promotable } from "../../../plugins/autopromoter/promotable.ts";

const leader: Member = {
  id: "1",
  name: "hamlet-1",
  peerURLs: [],
  learner: false,
  leader: true,
  self: true,
  reachable: true,
};
const learner: Member = {
  ...leader,
  id: "2",
  learner: true,
  leader: false,
  self: false,
  heardAgo: 250,
};

Deno.test("promotable() is every learner that the leader hears", () => {
  const voter = { ...learner, id: "3", learner: false };
  assert.deepEqual(promotable([leader, learner, voter]), [learner]);
});

Deno.test("promotable() is no learner that was silent for a second, or never heard", () => {
  const { heardAgo: _, ...unheard } = learner;
  assert.deepEqual(promotable([leader, { ...learner, heardAgo: 1_000 }]), []);
  assert.deepEqual(promotable([leader, unheard]), []);
});

Deno.test("promotable() is nobody on a member that does not lead", () => {
  const follower = { ...leader, leader: false };
  const other = { ...leader, id: "3", self: false };
  assert.deepEqual(promotable([follower, other, learner]), []);
  assert.deepEqual(promotable([]), []);
});
