import assert from 'node:assert/strict';
import { appendFile, cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { buildWorkflowBundle, workflowCode } from '../../worker/workflow-bundle.ts';

const PROJECT = join(import.meta.dirname, '..', '..');
const PACKAGES = join(PROJECT, 'node_modules');

describe('the workflow bundle built ahead', function () {
  this.timeout(120_000);
  let folder: string;
  let root: string;
  let built: string;
  const warnings: string[] = [];
  const log = { warn: (...[, message]: unknown[]) => warnings.push(String(message)) };

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'bundle-'));
    root = join(folder, 'project');
    built = join(folder, 'built');
    for (const source of ['contract', 'workflows']) {
      await cp(join(PROJECT, source), join(root, source), { recursive: true });
    }
    await mkdir(join(root, 'node_modules'));
    for (const name of await readdir(PACKAGES)) {
      if (name !== '.package-lock.json') await symlink(join(PACKAGES, name), join(root, 'node_modules', name));
    }
    await cp(join(PACKAGES, '.package-lock.json'), join(root, 'node_modules', '.package-lock.json'));
    await buildWorkflowBundle({ root, bundle: built });
  });

  beforeEach(() => {
    warnings.length = 0;
  });

  after(() => rm(folder, { recursive: true }));

  /** Whether a worker would take a bundle; with `false`, whether it says so. */
  async function isTaken(bundle: string): Promise<boolean> {
    const options = await workflowCode(log, { root, bundle });
    if (options.workflowBundle !== undefined) return true;
    assert.equal(options.workflowsPath, join(root, 'workflows', 'index.ts'));
    return false;
  }

  /** Does something to a copy of the bundle, or to the sources, and says whether the bundle is still taken. */
  async function isTakenAfter(change: (bundle: string) => Promise<void>): Promise<boolean> {
    const bundle = await mkdtemp(join(folder, 'changed-'));
    await cp(built, bundle, { recursive: true });
    await change(bundle);
    return await isTaken(bundle);
  }

  async function assertNotTaken(change: (bundle: string) => Promise<void>): Promise<void> {
    assert.equal(await isTakenAfter(change), false);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0]!, /bundle is not made of the sources that are here/);
  }

  /** Changes a file of the sources, and undoes it. */
  async function withChanged(file: string, content: string, use: () => Promise<void>): Promise<void> {
    const path = join(root, file);
    const before = await readFile(path).catch(() => undefined);
    await appendFile(path, content);
    try {
      await use();
    } finally {
      await (before === undefined ? unlink(path) : writeFile(path, before));
    }
  }

  const unchanged = () => Promise.resolve();

  it('is taken where it is made of the sources that are there, and is what was built', async () => {
    assert.ok(await isTaken(built));
    const { workflowBundle } = await workflowCode(log, { root, bundle: built });
    assert.deepEqual(workflowBundle, { code: await readFile(join(built, 'workflows.js'), 'utf8') });
    assert.deepEqual(warnings, []);
  });

  it('is not missed where there is none: the worker bundles the sources itself', async () => {
    assert.equal(await isTaken(join(folder, 'nowhere')), false);
    assert.deepEqual(warnings, []);
  });

  it('is not taken once a source has changed, by a space only', async () => {
    for (const file of ['workflows/copy-files.ts', 'contract/ids.ts']) {
      await withChanged(file, ' ', () => assertNotTaken(unchanged));
      warnings.length = 0;
    }
    assert.ok(await isTaken(built), 'and is again when that is undone');
  });

  it('is not taken once there is one source more', async () => {
    await withChanged('workflows/another.ts', '', () => assertNotTaken(unchanged));
  });

  it('is not taken once another version of a package is installed', async () => {
    await withChanged('node_modules/.package-lock.json', ' ', () => assertNotTaken(unchanged));
  });

  it('is not taken where it is not whole', async () => {
    await assertNotTaken((bundle) => writeFile(join(bundle, 'workflows.js'), 'half of i'));
  });

  it('is not taken where its manifest is not whole', async () => {
    for (const manifest of ['', '{"sources":', 'null', '{}', '[]']) {
      await assertNotTaken((bundle) => writeFile(join(bundle, 'manifest.json'), manifest));
      warnings.length = 0;
    }
    assert.equal(await isTakenAfter((bundle) => unlink(join(bundle, 'manifest.json'))), false);
  });

  it("has nothing of the project but what the manifest's digest covers", async () => {
    const code = await readFile(join(built, 'workflows.js'), 'utf8');
    const [, map = ''] = /sourceMappingURL=data:application\/json;charset=utf-8;base64,(\S+)\s*$/.exec(code) ?? [];
    const { sources } = JSON.parse(Buffer.from(map, 'base64').toString()) as { sources: string[] };
    const own = sources.filter((source) => source.startsWith('/') && !source.includes('node_modules'));
    const folders = own.map((source) => relative(root, source).split('/')[0]);
    assert.deepEqual(Array.from(new Set(folders)).sort(), ['contract', 'workflows']);
  });
});
