import assert from "node:assert/strict";
import {
  createSealKey,
  seal,
  SealError,
  unseal,
} from "../../../plugins/ca/seal.ts";

const belongsTo = {
  name: "peer",
  certificate: new Uint8Array([1, 2, 3]),
} as const;
const secret = crypto.getRandomValues(new Uint8Array(48));

Deno.test("unseal() opens what seal() sealed", async () => {
  const key = createSealKey();
  const sealed = await seal(key, secret, belongsTo);
  assert.deepEqual(await unseal(key, sealed, belongsTo), secret);
});

Deno.test("seal() never gives the same bytes twice, nor the secret", async () => {
  const key = createSealKey();
  const [one, two] = await Promise.all([
    seal(key, secret, belongsTo),
    seal(key, secret, belongsTo),
  ]);
  assert.notDeepEqual(one, two);
  assert(!one.toHex().includes(secret.subarray(0, 8).toHex()));
});

Deno.test("unseal() names the authority when the key is another one", async () => {
  const sealed = await seal(createSealKey(), secret, belongsTo);
  await assert.rejects(
    unseal(createSealKey(), sealed, belongsTo),
    (error) =>
      error instanceof SealError && error.message.includes("peer authority"),
  );
});

Deno.test("unseal() refuses every altered byte and every shortened seal", async () => {
  const key = createSealKey();
  const sealed = await seal(key, secret, belongsTo);
  for (let index = 0; index < sealed.length; index++) {
    const altered = sealed.slice();
    altered[index] = (altered[index] ?? 0) ^ 1;
    await assert.rejects(unseal(key, altered, belongsTo), SealError);
    await assert.rejects(
      unseal(key, sealed.slice(0, index), belongsTo),
      SealError,
    );
  }
});

Deno.test("unseal() refuses a seal of another authority or certificate", async () => {
  const key = createSealKey();
  const sealed = await seal(key, secret, belongsTo);
  await assert.rejects(
    unseal(key, sealed, { ...belongsTo, name: "cluster" }),
    SealError,
  );
  await assert.rejects(
    unseal(key, sealed, {
      ...belongsTo,
      certificate: new Uint8Array([1, 2, 4]),
    }),
    SealError,
  );
});

Deno.test("seal() refuses a key of another length", async () => {
  await assert.rejects(seal(new Uint8Array(31), secret, belongsTo), {
    name: "SealError",
    message: "A seal key has 32 bytes: current value has 31",
  });
});
