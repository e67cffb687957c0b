/**
 * Values that many contracts have. Schemas are plain objects: any number of others may hold the same one.
 *
 * @module
 */
import * as v from "valibot";

/** A whole number, of those that a number has exactly. */
export const Integer = v.pipe(v.number(), v.safeInteger());

/** How many, how often, or how far. */
export const Count = v.pipe(Integer, v.minValue(0));

/** A number that is not infinite: an instant, a duration, a measure. */
export const Finite = v.pipe(v.number(), v.finite());

/** Bytes. */
export const Bytes = v.instance(Uint8Array);

const NO_ADDRESS = "Write an IP address";

/** An IP address, without a zone. */
export const IpAddress = v.pipe(
  v.string(NO_ADDRESS),
  v.check((text) => isIpv4(text) || isIpv6(text), NO_ADDRESS),
);

function isIpv4(text: string): boolean {
  return v.IPV4_REGEX.test(text);
}

/** As URLs have them (https://url.spec.whatwg.org/#concept-ipv6-parser), which is every form of RFC 4291, section 2.2. */
function isIpv6(text: string): boolean {
  return /^[\da-f:.]+$/i.test(text) && URL.canParse(`http://[${text}]`);
}
