/// <reference lib="deno.worker" />
/** Loads etcd3 with what its Worker may touch, and says so. */
const { Etcd3 } = await import("etcd3");
// Its .proto file is read by the first client.
new Etcd3({ hosts: "http://127.0.0.1:1" }).close();
self.postMessage("loaded");

export {};
