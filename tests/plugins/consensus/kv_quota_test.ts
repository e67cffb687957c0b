import assert from "node:assert/strict";
import { ServiceError } from "../../../mod.ts";
import { KvQuota } from "../../../plugins/consensus/kv_quota.ts";

/** A store of one number of bytes, and how often it was counted. */
class Store {
  stored = 0;
  counts = 0;

  count(): Promise<number> {
    this.counts += 1;
    return Promise.resolve(this.stored);
  }
}

const isFull = (error: unknown) =>
  error instanceof ServiceError && error.code === "resource-exhausted";

Deno.test("KvQuota.write() counts what is there before the first write", async () => {
  const store = new Store();
  store.stored = 95;
  const quota = new KvQuota({ limit: 100, count: () => store.count() });
  await assert.rejects(quota.write(6, () => Promise.resolve()), isFull);
  assert.equal(await quota.write(5, () => Promise.resolve("done")), "done");
});

Deno.test("KvQuota.write() counts again only when its writes add up to the limit", async () => {
  const store = new Store();
  const quota = new KvQuota({ limit: 100, count: () => store.count() });
  // The same key each time: what is stored stays ten bytes.
  for (let i = 0; i < 95; i++) {
    await quota.write(10, () => {
      store.stored = 10;
      return Promise.resolve();
    });
  }
  assert.ok(store.counts <= 12, `${store.counts} counts`);
});

Deno.test("KvQuota.write() lets writes at one time not exceed the limit together", async () => {
  const store = new Store();
  const quota = new KvQuota({ limit: 100, count: () => store.count() });
  const results = await Promise.allSettled(
    Array.from({ length: 20 }, () =>
      quota.write(10, async () => {
        await Promise.resolve();
        store.stored += 10;
      })),
  );
  assert.equal(store.stored, 100);
  assert.equal(
    results.filter(({ status }) => status === "rejected").length,
    10,
  );
});

Deno.test("KvQuota.write() refuses nobody who only replaces, however many at one time", async () => {
  const store = new Store();
  const quota = new KvQuota({ limit: 100, count: () => store.count() });
  await Promise.all(
    Array.from({ length: 50 }, () =>
      quota.write(40, async () => {
        await Promise.resolve();
        store.stored = 40;
      })),
  );
});

Deno.test("KvQuota.write() believes for a while that there is no room, unless something was deleted", async () => {
  const store = new Store();
  store.stored = 100;
  const quota = new KvQuota({ limit: 100, count: () => store.count() });
  for (let i = 0; i < 50; i++) {
    await assert.rejects(quota.write(1, () => Promise.resolve()), isFull);
  }
  assert.equal(store.counts, 1);
  store.stored = 0;
  quota.freed();
  await quota.write(1, () => Promise.resolve());
});

Deno.test("KvQuota.write() counts again after a count that failed", async () => {
  let failing = true;
  const quota = new KvQuota({
    limit: 100,
    count: () =>
      failing ? Promise.reject(new Error("away")) : Promise.resolve(0),
  });
  await assert.rejects(quota.write(1, () => Promise.resolve()), /away/);
  failing = false;
  await quota.write(1, () => Promise.resolve());
});

Deno.test("KvQuota without a limit never counts", async () => {
  const store = new Store();
  const limit = Number.MAX_SAFE_INTEGER;
  const quota = new KvQuota({ limit, count: () => store.count() });
  await quota.write(1_000_000_000, () => Promise.resolve());
  assert.equal(store.counts, 0);
});
