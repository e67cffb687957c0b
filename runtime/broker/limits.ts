/** What one call may send. Above the largest value of `kv` by far, and far below what hurts. */
export const MAX_INPUT_BYTES = 4 * 1024 * 1024;

/**
 * What one message carries that travels with others; larger ones go alone. Of a large value that many of them share,
 * the reader would have to look at each.
 */
export const MAX_SHARED_BYTES = 4096;

/** What one answer or one item of a stream may carry: a provider is trusted with more than its users. */
export const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

/** Calls and streams that run at a time on one connection. */
export const MAX_CALLS = 1024;

/** What these calls may have sent in all: it waits in the memory of the node until the provider gets to it. */
export const MAX_BYTES_UNDER_WAY = 64 * 1024 * 1024;

/** Streams among them: each holds up to a window of items. */
export const MAX_STREAMS = 256;

/** Items that a provider may be ahead of its reader. */
export const STREAM_WINDOW = 32;
