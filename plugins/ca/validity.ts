/**
 * What the authorities sign is valid from the first second a clock without a battery can show, so
 * that such a machine can join before it knows the time.
 */
export const VALID_FROM = new Date("1970-01-01T00:00:00Z");

/** What RFC 5280, 4.1.2.5, gives for "does not expire"; access ends by revocation. */
export const VALID_UNTIL = new Date("9999-12-31T23:59:59Z");
