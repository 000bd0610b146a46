import type { ComposeService } from '../deployment/compose-file.ts';

/**
 * What docker-compose.yml calls things, and what they are on this machine: addresses with their port, wherever they are
 * named; everything else only where it is a whole setting or argument.
 */
export type Names = Readonly<Record<string, string>>;

/** Command line and environment of a service, with everything in them that only a container has replaced. */
export function natively({ command = [], entrypoint = [], environment = {} }: ComposeService, names: Names) {
  // The longer ones first: `storage:4443` is in `http://storage:4443`.
  const addresses = Object.keys(names)
    .filter((name) => /:\d+$/.test(name))
    .sort((a, b) => b.length - a.length);
  const pattern = new RegExp(`(?<![\\w.-])(?:${addresses.map((name) => RegExp.escape(name)).join('|')})(?!\\d)`, 'g');
  const replace = (text: string) => names[text] ?? text.replaceAll(pattern, (address) => names[address] ?? address);
  return {
    words: [...entrypoint, ...command].map(replace),
    env: Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, replace(value)])),
  };
}
