/** The user that has no rights. */
export const NOBODY = 65534;

/**
 * Starts a program as nobody, who may still read everything: the checkout, Deno and its cache may lie
 * in a folder that is root's alone. access(2) drops capabilities without `no_setuid_fixup`.
 */
export const asNobody: readonly string[] = [
  ...["setpriv", "--reuid", `${NOBODY}`, "--regid", `${NOBODY}`],
  "--clear-groups",
  ...["--inh-caps", "+dac_read_search", "--ambient-caps", "+dac_read_search"],
  ...["--securebits", "+no_setuid_fixup"],
];
