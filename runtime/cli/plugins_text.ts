import type { PluginDescription } from "../admin/target.ts";
import { clean } from "../log/clean.ts";
import { describeGrant } from "../manifest/describe_grant.ts";

const BOLD = "\x1b[1m";
const DIM = "\x1b[2m";
const RESET = "\x1b[0m";

/**
 * Writes what each plugin may touch, for a person who decides whether that is right.
 *
 * @param plugins The plugins.
 * @param color Whether to use ANSI sequences.
 * @returns The text.
 */
export function pluginsText(
  plugins: readonly PluginDescription[],
  color: boolean,
): string {
  const paint = (style: string, text: string) =>
    color ? `${style}${text}${RESET}` : text;
  return plugins.map((plugin) => {
    const { name, loaded, isolation, provides, module } = plugin;
    const how = loaded ? `in a ${isolation}` : "not loaded here";
    const { read, write, net, env, sys } = plugin.permissions;
    const granted = describeGrant({
      permissions: {
        read: [...read],
        write: [...write],
        net: [...net],
        env: [...env],
        sys: [...sys],
      },
      uses: Object.fromEntries(
        plugin.uses.map((use) => [use.service, { scope: undefined, ...use }]),
      ),
    });
    const lines = [
      ...provides.map((service) => `provides service ${service}`),
      ...granted,
    ];
    return [
      `${paint(BOLD, clean(name))} ${paint(DIM, `${how}, ${clean(module)}`)}`,
      ...(granted.length > 0 ? [] : ["  touches nothing"]),
      ...lines.map((line) => `  ${clean(line)}`),
      "",
    ].join("\n");
  }).join("\n");
}
