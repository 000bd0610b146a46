import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { readComposeFile } from './compose-file.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const read = (name: string) => readFileSync(join(ROOT, name), 'utf8');

/** `… from './x.ts';`, `import './x.ts';` and `import('./x.ts')`. */
const IMPORT = /^(?!import type ).*(?:\bfrom |^import |\bimport\()'([^']+)'(?:;$|\))/gm;

describe('Dockerfile', () => {
  const lines = read('Dockerfile').split('\n');
  const words = (instruction: string) =>
    lines.filter((line) => line.startsWith(`${instruction} `)).map((line) => line.split(' ').slice(1));
  const copied = words('COPY')
    .filter(([source]) => source?.startsWith('--from') === false)
    .flatMap((line) => line.slice(0, -1));
  const folders = copied.filter((name) => existsSync(join(ROOT, name)) && !name.includes('.'));
  const manifest = JSON.parse(read('package.json')) as Record<
    'dependencies' | 'devDependencies',
    Record<string, string>
  >;

  /** What the files of the image import, by their first word: `undici`, `@temporalio/client`; or a folder beside them. */
  function imported(): Set<string> {
    const names = new Set<string>();
    for (const folder of folders) {
      for (const entry of readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })) {
        if (!/\.tsx?$/.test(entry.name)) continue;
        const text = readFileSync(join(entry.parentPath, entry.name), 'utf8');
        for (const [, specifier = ''] of text.matchAll(IMPORT)) {
          const path = specifier.startsWith('.') ? relative(ROOT, join(entry.parentPath, specifier)) : specifier;
          if (!path.startsWith('node:')) names.add(path.split('/', path.startsWith('@') ? 2 : 1).join('/'));
        }
      }
    }
    return names;
  }

  it('is made of the Node that everything is tested with', () => {
    for (const [image = ''] of words('FROM')) {
      assert.ok(image.startsWith(`node:${manifest.devDependencies['node']}-`), image);
    }
  });

  it('does not run as root', () => {
    assert.deepEqual(words('USER').at(-1), ['node']);
  });

  it('holds every folder and every package that API and worker import', () => {
    const held = new Set([...folders, ...Object.keys(manifest.dependencies)]);
    assert.deepEqual(
      Array.from(imported()).filter((name) => !held.has(name)),
      [],
    );
  });

  it('is given all that it copies, and nothing else', () => {
    const [everything, ...excepted] = read('.dockerignore').trim().split('\n');
    assert.equal(everything, '*');
    assert.deepEqual(excepted.sort(), copied.map((name) => `!${name}`).sort());
  });

  it('holds what docker-compose.yml runs in it', async () => {
    const { services } = await readComposeFile();
    for (const { build, command = [] } of Object.values(services)) {
      const program = command.find((word) => word.endsWith('.ts'));
      if (build === undefined || program === undefined) continue;
      assert.ok(folders.includes(program.split('/')[0]!) && existsSync(join(ROOT, program)), program);
    }
  });
});
