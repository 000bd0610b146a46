/** `npm run sweep`: has the workers sweep now, instead of at the schedule's next time, and says what was done. */
import { parseArgs } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import { runSweep, SweepGoesOnError } from '../cli/run-sweep.ts';
import { ConfigError, EX_CONFIG, loadTaskQueue } from '../config/config.ts';
import { loadTemporalConfig } from '../config/temporal.ts';

/** Exit code where the command line is wrong (sysexits.h, EX_USAGE), and where something may work later (EX_TEMPFAIL). */
const EX_USAGE = 64;
const EX_TEMPFAIL = 75;

const CONNECT_TIMEOUT_MS = 5_000;

const HELP = `Usage: npm run sweep -- [--wait <seconds>]

Has the workers sweep the control bucket now: records of jobs older than JOB_RETENTION_DAYS
(the workers' setting), input of jobs that never came to be, locks whose job no longer runs;
and settles jobs that were ended by force. Temporal does the same every hour by a schedule.

  --wait <seconds>  how long to wait for the end of it, 1 to 86400; default 600
  --help            this text

Settings: TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE and Temporal's other settings, TEMPORAL_TASK_QUEUE.
Exit codes: 0 swept, 64 wrong arguments, 75 Temporal is not reachable or the sweep goes on, 78 wrong setting.
`;

class UsageError extends Error {
  override readonly name = 'UsageError';
}

function readArguments(args: string[]): { help: boolean; waitMs: number } {
  let values: { wait: string; help: boolean };
  try {
    ({ values } = parseArgs({
      args,
      options: { wait: { type: 'string', default: '600' }, help: { type: 'boolean', default: false } },
    }));
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
  const seconds = /^\d{1,5}$/.test(values.wait) ? Number(values.wait) : 0;
  if (seconds < 1 || seconds > 86_400) throw new UsageError('--wait takes a whole number of seconds from 1 to 86400');
  return { help: values.help, waitMs: seconds * 1_000 };
}

async function main(): Promise<void> {
  const { help, waitMs } = readArguments(process.argv.slice(2));
  if (help) {
    process.stdout.write(HELP);
    return;
  }
  const taskQueue = loadTaskQueue(process.env);
  const { namespace, connectionOptions } = loadTemporalConfig(process.env);
  const connection = await Connection.connect({ ...connectionOptions, connectTimeout: CONNECT_TIMEOUT_MS });
  try {
    const counts = await runSweep(new Client({ connection, namespace }), taskQueue, { waitMs });
    process.stdout.write(
      `${counts.jobs} jobs looked at: ${counts.expired} records deleted, ${counts.orphaned} folders without a record ` +
        `deleted, ${counts.lost} jobs ended by force being settled\n` +
        `${counts.locks} locks looked at: ${counts.stale} stale ones removed\n`,
    );
  } finally {
    await connection.close();
  }
}

function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError) return EX_USAGE;
  return error instanceof ConfigError ? EX_CONFIG : EX_TEMPFAIL;
}

try {
  await main();
} catch (error) {
  const message = error instanceof Error ? error.message : String(error);
  const hint = error instanceof UsageError ? ' (--help tells more)' : '';
  const more = error instanceof SweepGoesOnError ? ': wait longer, or see it in Temporal' : '';
  process.stderr.write(`sweep: ${message.split('\n')[0] ?? ''}${more}${hint}\n`);
  process.exitCode = exitCodeOf(error);
}
