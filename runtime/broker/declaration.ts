/** A `uses` entry of the manifest, variables resolved. */
export interface Use {
  /** Whether the plugin runs without it too. @default false */
  readonly optional?: boolean | undefined;
  /** The methods it may call. @default every method */
  readonly methods?: readonly string[] | undefined;
  /** The part of the service it may reach; the service's own schema parses it at the provider. */
  readonly scope?: unknown;
}

/** What a plugin may provide and use, as the manifest declares it. */
export interface Declaration {
  /** The plugin's name in the manifest. */
  readonly name: string;
  /** Names of the services it may provide. */
  readonly provides: readonly string[];
  /** What it may use, by the service's name. */
  readonly uses: Readonly<Record<string, Use>>;
}
