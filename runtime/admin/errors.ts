/** There is no node to talk to. */
export class NoNodeError extends Error {
  override readonly name = "NoNodeError";
}

/** The admin socket cannot be made where it belongs. */
export class AdminSocketError extends Error {
  override readonly name = "AdminSocketError";
}
