import { readdir, readFile } from 'node:fs/promises';
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

/** The files that the page loads, as they stand in client/: nothing is built. */
export async function readAssets(): Promise<PageAsset[]> {
  const names = await readdir(FOLDER);
  const found = names.sort().map(async (name) => {
    const type = TYPES[/\.\w+$/.exec(name)?.[0] ?? ''];
    return type === undefined ? undefined : { name, type, content: await readFile(join(FOLDER, name), 'utf8') };
  });
  return (await Promise.all(found)).filter((asset) => asset !== undefined);
}
