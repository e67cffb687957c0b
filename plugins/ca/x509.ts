/**
 * Loads the X.509 library when something is to be signed: it costs some 80 ms and 22 MB, which a
 * node that only serves what was issued need not spend.
 *
 * @returns The library.
 */
export async function loadX509(): Promise<typeof import("@peculiar/x509")> {
  // Its dependency injection (tsyringe) needs the metadata API before it is evaluated.
  await import("reflect-metadata");
  return await import("@peculiar/x509");
}
