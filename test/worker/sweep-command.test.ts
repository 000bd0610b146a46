import assert from 'node:assert/strict';
import { join } from 'node:path';
import { baseEnvironment } from '../../dev/environment.ts';
import { LOOPBACK } from '../../dev/ports.ts';
import { createProcesses, type Processes } from '../../dev/processes.ts';
import { noSweepCounts } from '../../contract/upkeep.ts';
import { sharedTemporal } from '../support/temporal.ts';
import { withWorker } from '../support/temporal-worker.ts';
import { replaceActivities } from '../workflows/replaced-activities.ts';

const MAIN = join(import.meta.dirname, '..', '..', 'scripts', 'sweep.ts');

describe('npm run sweep', () => {
  let processes: Processes;

  before(() => {
    processes = createProcesses();
  });

  after(() => {
    processes.close();
  });

  /** Runs the command to its end. */
  async function sweep(args: string[], env: Record<string, string> = {}) {
    const lines: string[] = [];
    const settings = { ...baseEnvironment(), TEMPORAL_ADDRESS: `${LOOPBACK}:9`, ...env };
    const { exited } = await processes.start(process.execPath, [MAIN, ...args], {
      env: settings,
      onLine: (line) => lines.push(line),
    });
    const { code } = await exited;
    return { code, output: lines.join('\n') };
  }

  it('has a worker sweep, and says what was done', async () => {
    const { address } = await sharedTemporal();
    const counts = { ...noSweepCounts(), jobs: 5, expired: 2 };
    const { activities } = replaceActivities({ sweepJobs: () => Promise.resolve({ counts, after: null }) });
    await withWorker(activities, async ({ taskQueue }) => {
      const { code, output } = await sweep([], { TEMPORAL_ADDRESS: address, TEMPORAL_TASK_QUEUE: taskQueue });
      assert.equal(code, 0, output);
      assert.match(output, /^5 jobs looked at: 2 records deleted/);
    });
  });

  it('says in one line what is wrong: its arguments, a setting, Temporal, or that it takes longer', async () => {
    const { address } = await sharedTemporal();
    const nobody = { TEMPORAL_ADDRESS: address, TEMPORAL_TASK_QUEUE: 'nobody-works-here' };
    const cases = [
      { args: ['--wait', 'soon'], env: {}, code: 64, says: /^sweep: --wait takes a whole number/ },
      { args: ['--what'], env: {}, code: 64, says: /^sweep: .*--what.*--help tells more/ },
      { args: [], env: { TEMPORAL_TLS: 'maybe' }, code: 78, says: /^sweep: TEMPORAL_TLS / },
      { args: [], env: {}, code: 75, says: /^sweep: / },
      { args: ['--wait', '1'], env: nobody, code: 75, says: /^sweep: the sweep goes on as workflow nobody/ },
    ];
    for (const { args, env, code, says } of cases) {
      const ended = await sweep(args, env);
      assert.equal(ended.code, code, ended.output);
      assert.match(ended.output, says);
      assert.equal(ended.output.split('\n').length, 1, ended.output);
    }
    assert.match((await sweep(['--help'])).output, /^Usage: npm run sweep/);
  });
});
