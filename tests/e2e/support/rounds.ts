/**
 * Says how often a test that depends on chance is to be repeated.
 *
 * @param few How often where nobody asks for more.
 * @returns That, or what the variable `HAMLET_ROUNDS` says.
 */
export function rounds(few: number): number {
  return Number(Deno.env.get("HAMLET_ROUNDS") ?? few);
}
