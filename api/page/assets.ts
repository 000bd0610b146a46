import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const FOLDER = join(import.meta.dirname, 'client');

const TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
};

export interface PageAsset {
  name: string;
  type: string;
  content: string;
}

/**
 * The files that the page loads, as they stand in client/: nothing is built. Read while the app is made, so that one that
 * lacks them does not start.
 */
export function readAssets(): PageAsset[] {
  const names = readdirSync(FOLDER).sort();
  return names.flatMap((name) => {
    const type = TYPES[/\.\w+$/.exec(name)?.[0] ?? ''];
    return type === undefined ? [] : [{ name, type, content: readFileSync(join(FOLDER, name), 'utf8') }];
  });
}
