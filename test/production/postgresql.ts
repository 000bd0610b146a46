import { execFile } from 'node:child_process';
import { chown, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { PartDefinition } from '../../dev/part.ts';
import { LOOPBACK } from '../../dev/ports.ts';
import { MissingTool } from './tools.ts';

interface PostgresqlOptions {
  /** Folder of PostgreSQL's programs. */
  programs: string;
  port: number;
  env: Readonly<Record<string, string>>;
  log: string;
  /** Of the superuser that the image makes. */
  user: string;
  password: string;
}

const SETUP_TIMEOUT_MS = 60_000;

const run = promisify(execFile);

/**
 * A PostgreSQL with an empty cluster of its own in a temporary folder, set up as the image sets it up: one superuser, and
 * a database of the same name. `remove` takes the folder away.
 */
export async function postgresqlPart(
  options: PostgresqlOptions,
): Promise<PartDefinition & { remove(): Promise<void> }> {
  const { programs, port, env, log, user, password } = options;
  const folder = await mkdtemp(join(tmpdir(), 'apollo-postgresql-'));
  const data = join(folder, 'data');
  const as = await unprivileged(folder);
  const passwordFile = join(folder, 'password');
  await writeFile(passwordFile, password, { mode: 0o644 });
  const account = ['--username', user, '--pwfile', passwordFile, '--auth', 'scram-sha-256'];
  const [program, ...args] = [...as, join(programs, 'initdb'), '--pgdata', data, ...account, '--encoding', 'UTF8'];
  await run(program, args, { cwd: folder, env, timeout: SETUP_TIMEOUT_MS });

  const listen = ['-h', LOOPBACK, '-p', String(port), '-k', folder];
  const [command = '', ...words] = [...as, join(programs, 'postgres'), '-D', data, ...listen];
  return {
    name: 'PostgreSQL',
    command,
    args: words,
    env,
    log,
    ready: {
      probe: () =>
        run(join(programs, 'pg_isready'), ['--host', LOOPBACK, '--port', String(port), '--username', user]).then(
          () => true,
          () => false,
        ),
    },
    startTimeoutMs: SETUP_TIMEOUT_MS,
    stopTimeoutMs: 10_000,
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

/** PostgreSQL does not run as root: root runs it as Debian's user for it, whom the folder is given to. */
async function unprivileged(folder: string): Promise<string[]> {
  if (process.getuid?.() !== 0) return [];
  const id = async (what: string) => Number((await run('id', [what, 'postgres'])).stdout);
  const [user, group] = await Promise.all([id('-u'), id('-g')]).catch(() => {
    throw new MissingTool('there is no user postgres, as whom root could run PostgreSQL');
  });
  await chown(folder, user, group);
  return ['setpriv', `--reuid=${user}`, `--regid=${group}`, '--clear-groups', '--'];
}
