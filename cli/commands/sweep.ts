import { loadTaskQueue } from '../../config/config.ts';
import { loadTemporalConfig } from '../../config/temporal.ts';
import type { SweepCounts } from '../../contract/upkeep.ts';
import { CliError, UnreachableError } from '../cli-error.ts';
import type { CliContext } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { Output } from '../output.ts';
import { runSweep, SweepGoesOnError } from '../run-sweep.ts';
import { inOneLine } from '../text.ts';
import type { CommandSet } from './command-set.ts';
import * as common from './options.ts';

const CONNECT_TIMEOUT_MS = 5_000;
const USUAL_WAIT_S = 600;
const LONGEST_WAIT_S = 86_400;

/** `apollo sweep`: the sweep that Temporal starts every hour, now. */
export function addSweep({ program, context }: CommandSet): void {
  program
    .command('sweep')
    .summary('have the control bucket swept now')
    .description(
      'Has the workers sweep the control bucket now: records of jobs older than JOB_RETENTION_DAYS (their setting), ' +
        'input of jobs that never came to be, locks whose job no longer runs; and settles jobs that were ended by ' +
        'force. Temporal does the same every hour by a schedule. Needs TEMPORAL_* and TEMPORAL_TASK_QUEUE, as the ' +
        'worker has them.',
    )
    .option(
      '--wait <seconds>',
      'how long to wait for its end; it goes on after that (exit code 8)',
      common.wholeNumberFrom(1, LONGEST_WAIT_S),
      USUAL_WAIT_S,
    )
    .addOption(common.jsonOption)
    .addHelpText('after', common.examples('apollo sweep --wait 3600'))
    .action(async ({ wait, ...options }) => {
      const counts = await sweep(context, wait * 1_000);
      new Output(context, options).show(counts, [
        `${counts.jobs} jobs looked at: ${counts.expired} records deleted, ${counts.orphaned} folders without a record ` +
          `deleted, ${counts.lost} jobs ended by force being settled`,
        `${counts.locks} locks looked at: ${counts.stale} stale ones removed`,
      ]);
    });
}

/** Throws ConfigError, and CliError where Temporal does not answer or the sweep takes longer. */
async function sweep({ env }: CliContext, waitMs: number): Promise<SweepCounts> {
  const taskQueue = loadTaskQueue(env);
  const { namespace, connectionOptions } = loadTemporalConfig(env);
  // No other command pays for loading Temporal's client.
  const { Client, Connection } = await import('@temporalio/client');
  const connection = Connection.lazy({ ...connectionOptions, connectTimeout: CONNECT_TIMEOUT_MS });
  try {
    await connection.ensureConnected();
    return await runSweep(new Client({ connection, namespace }), taskQueue, { waitMs });
  } catch (error) {
    if (error instanceof SweepGoesOnError) throw new CliError(EXIT.notEnded, error.message, { cause: error });
    const { address } = connectionOptions;
    throw new UnreachableError(`Temporal at ${address} did not sweep: ${inOneLine(error)}`, { cause: error });
  } finally {
    await connection.close();
  }
}
