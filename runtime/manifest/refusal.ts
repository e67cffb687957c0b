/** Why one text of an entry cannot be granted; the message is the advice. */
export class Refusal extends Error {
  override readonly name = "Refusal";
}
