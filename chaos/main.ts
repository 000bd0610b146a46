import { randomInt } from 'node:crypto';
import { table } from '../dev/output.ts';
import { runChaos, type ChaosResult } from './chaos.ts';
import { readSettings, USAGE, type ChaosSettings } from './settings.ts';
import { VIOLATIONS, type ViolationKind } from './violation.ts';
import { readCommandLine } from '../dev/command-line.ts';

/** `npm run chaos`: a run in which everything goes wrong. Exits with 1 where something happened that must not. */

/** Past this many of one job, more of them tell nothing new. */
const SHOWN_OF_A_JOB = 10;

/** A run that hangs is ended, in milliseconds past all that it may take: the processes it has started go with it. */
const STUCK_AFTER_MS = 240_000;

function show({ seed, violations, figures, jobs }: ChaosResult): void {
  const counts = (Object.keys(VIOLATIONS) as ViolationKind[]).map((kind) => {
    return [VIOLATIONS[kind], String(violations.filter((one) => one.kind === kind).length)];
  });
  console.log(table([...figures.map(([name, count]) => [name, String(count)]), ...counts]));
  for (const [job, those] of Map.groupBy(violations, ({ job }) => job)) {
    console.log(`\n✗ ${job === undefined ? 'no job' : (jobs.get(job) ?? job)}`);
    for (const { kind, what } of those.slice(0, SHOWN_OF_A_JOB)) console.log(`  ${kind}: ${what}`);
    if (those.length > SHOWN_OF_A_JOB) console.log(`  … ${those.length} in all`);
  }
  console.log(`\nseed ${seed}: ${violations.length === 0 ? 'nothing that must not happen' : 'FAILED'}`);
}

async function main(settings: ChaosSettings): Promise<void> {
  const { seed, forMs, settleMs } = settings;
  console.log(`seed ${seed}, for ${forMs / 60_000} min\n`);
  const stuck = setTimeout(
    () => {
      console.error(`seed ${seed}: the run hangs`);
      process.exit(1);
    },
    forMs + settleMs + STUCK_AFTER_MS,
  );
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
  const result = await runChaos(settings);
  clearTimeout(stuck);
  show(result);
  if (result.violations.length > 0) process.exitCode = 1;
}

const settings = readCommandLine({
  ...{ name: 'chaos', usage: USAGE },
  read: () => readSettings(process.argv.slice(2), () => randomInt(2 ** 32)),
});
if (settings !== undefined) await main(settings);
