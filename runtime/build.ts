/** What `scripts/compile` made a program of. */
export interface Build {
  /** The commit of the checkout, followed by `+changes` where that was not all of it. */
  readonly commit: string;
  /** SHA-256 of everything that went in. */
  readonly digest: string;
  /** Whether its base is older than what Hamlet runs on, so that it is for checks alone. */
  readonly forChecks: boolean;
  /** Where the manifest is, from the folder of Hamlet's `deno.json`. */
  readonly manifest: string;
  /** The plugins that it declares, each with the SHA-256 of its code and its entry. */
  readonly plugins: readonly {
    readonly name: string;
    readonly digest: string;
  }[];
  /** The programs inside, by the name the manifest calls them; each is the file `programs/NAME`. */
  readonly programs: Readonly<Record<string, EmbeddedProgram>>;
}

/** A program inside of another one. */
export interface EmbeddedProgram {
  /** As it says it; not known of one for other machines than the builder's. */
  readonly version?: string;
  /** Its SHA-256. */
  readonly digest: string;
}
