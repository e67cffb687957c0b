import assert from "node:assert/strict";
import { packMeasured } from "../../../runtime/broker/pack.ts";
import { sendPacked } from "../../../runtime/broker/send_packed.ts";

/** Sends a value, and tells how it went. */
function sent(value: unknown): { how: string; value: unknown } {
  const went: { how: string; value: unknown }[] = [];
  const take = (how: string) => (message: unknown) => {
    assert.ok(
      typeof message === "object" && message !== null && "value" in message,
    );
    went.push({ how, value: message.value });
  };
  const transport = {
    send: take("at once"),
    queue: take("with others"),
    onMessage() {},
    onClose() {},
    close() {},
  };
  sendPacked(
    transport,
    packMeasured(value, 100_000),
    (value) => ({ kind: "value", id: 1, value }),
  );
  const [only, ...others] = went;
  assert.ok(only);
  assert.deepEqual(others, []);
  return only;
}

Deno.test("sendPacked() copies a small value, which travels with others", () => {
  const value = { list: [{ bytes: new Uint8Array([1, 2]) }], text: "a" };
  const { how, value: copy } = sent(value);
  assert.equal(how, "with others");
  value.list[0]?.bytes.fill(9);
  value.list.push({ bytes: new Uint8Array() });
  value.text = "b";
  assert.deepEqual(copy, {
    list: [{ bytes: new Uint8Array([1, 2]) }],
    text: "a",
  });
});

Deno.test("sendPacked() sends a large value at once, as it is", () => {
  const value = new Uint8Array(5_000);
  assert.deepEqual(sent(value), { how: "at once", value });
  assert.equal(sent(value).value, value);
});

Deno.test("sendPacked() leaves behind what cannot be cloned of a list that is no plain one", () => {
  class Keys extends Array<string> {
    own = () => {};
  }
  const { value } = sent(Keys.of("a", "b"));
  assert.deepEqual(structuredClone(value), ["a", "b"]);
});
