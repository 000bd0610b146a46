import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { bundleWorkflowCode, DefaultLogger, type BundleOptions, type WorkerOptions } from '@temporalio/worker';
import type { Logger } from '../config/logger.ts';

/** Where the sources are that a bundle is made of, and where the bundle is kept. */
interface BundlePaths {
  /** Folder that holds `workflows/`, and every other folder of `SOURCES`. */
  root: string;
  /** Folder of the bundle and its manifest. */
  bundle: string;
}

/** What a worker takes: a bundle, or what to make one of. */
type WorkflowCode = Pick<WorkerOptions, 'workflowBundle' | 'workflowsPath' | 'bundlerOptions'> & {
  /** Interceptors of workflows, which a bundle has in it. */
  interceptorModules: string[];
};

/** What the manifest says of the bundle beside it. */
interface Manifest {
  /** Digest of all that the bundle was made of. */
  sources: string;
  /** SHA-256 of the bundle itself, which may be half written or edited. */
  code: string;
}

const ROOT = join(import.meta.dirname, '..');
const PROJECT: BundlePaths = { root: ROOT, bundle: join(ROOT, '.bundle') };

/** Everything of the project that workflow code may import (docs/architecture.md, "Folders and layers"). */
const SOURCES = ['contract', 'workflows'];

/** npm's list of all packages as they are installed: Temporal's are part of a bundle, and make it. */
const PACKAGES = join('node_modules', '.package-lock.json');

/**
 * Bundles the workflows and keeps the bundle beside a manifest that says what it was made of. Gives the length of the
 * code in characters.
 */
export async function buildWorkflowBundle({ root, bundle }: BundlePaths = PROJECT): Promise<number> {
  // Taken before: what is changed meanwhile must not be vouched for.
  const sources = await digestOfSources(root);
  const logger = new DefaultLogger('WARN');
  const { code } = await bundleWorkflowCode({ ...workflowModules(root), logger });
  await mkdir(bundle, { recursive: true });
  await replaceFile(join(bundle, 'workflows.js'), code);
  const manifest: Manifest = { sources, code: sha256(code) };
  await replaceFile(join(bundle, 'manifest.json'), JSON.stringify(manifest));
  return code.length;
}

/**
 * The workflows as a worker takes them: the bundle that was built ahead where it is made of the very sources that are
 * there now, else the sources, which the worker then bundles itself (seconds of CPU).
 */
export async function workflowCode(
  log: Pick<Logger, 'warn'>,
  { root, bundle }: BundlePaths = PROJECT,
): Promise<WorkflowCode> {
  const kept = await keptBundle(bundle);
  if (kept !== undefined) {
    const { code, manifest } = kept;
    const isWhole = manifest.code === sha256(code);
    if (isWhole && manifest.sources === (await digestOfSources(root)))
      return { workflowBundle: { code }, interceptorModules: [] };
    log.warn({ bundle }, 'the workflow bundle is not made of the sources that are here, and is not used');
  }
  const { workflowsPath, preloadModules, workflowInterceptorModules } = workflowModules(root);
  return { workflowsPath, bundlerOptions: { preloadModules }, interceptorModules: workflowInterceptorModules };
}

/**
 * What a bundle is made of. The modules are loaded once for all workflows of a worker, not anew for each, which is
 * why none of them may keep anything at its top level that changes.
 */
export function workflowModules(
  root: string = ROOT,
): Required<Pick<BundleOptions, 'workflowsPath' | 'preloadModules' | 'workflowInterceptorModules'>> {
  const workflowsPath = join(root, 'workflows', 'index.ts');
  const interceptors = join(root, 'workflows', 'tracing.ts');
  return {
    workflowsPath,
    preloadModules: [workflowsPath, interceptors],
    workflowInterceptorModules: [interceptors],
  };
}

async function keptBundle(folder: string): Promise<{ code: string; manifest: Partial<Manifest> } | undefined> {
  try {
    const [code, manifest] = await Promise.all([
      readFile(join(folder, 'workflows.js'), 'utf8'),
      readFile(join(folder, 'manifest.json'), 'utf8'),
    ]);
    return { code, manifest: parsed(manifest) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** A manifest that cannot be read vouches for nothing. */
function parsed(manifest: string): Partial<Manifest> {
  try {
    return (JSON.parse(manifest) ?? {}) as Partial<Manifest>;
  } catch {
    return {};
  }
}

/** SHA-256 over names and contents of all sources, and of what decides how they are bundled. */
async function digestOfSources(root: string): Promise<string> {
  const files = [join(root, PACKAGES), import.meta.filename];
  for (const folder of SOURCES) {
    const entries = await readdir(join(root, folder), { recursive: true, withFileTypes: true });
    files.push(...entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name)));
  }
  const lines = files.sort().map(async (file) => `${relative(root, file)} ${sha256(await readFile(file))}`);
  return sha256((await Promise.all(lines)).join('\n'));
}

function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}

/** Written beside and renamed: nobody reads half a file. */
async function replaceFile(path: string, content: string): Promise<void> {
  const temporary = `${path}.${process.pid}`;
  await writeFile(temporary, content);
  await rename(temporary, path);
}
