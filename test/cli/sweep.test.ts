import assert from 'node:assert/strict';
import { EXIT } from '../../cli/exit-codes.ts';
import { noSweepCounts } from '../../contract/upkeep.ts';
import { sharedTemporal } from '../support/temporal.ts';
import { withWorker } from '../support/temporal-worker.ts';
import { replaceActivities } from '../workflows/replaced-activities.ts';
import { cli, json } from './support.ts';

describe('apollo sweep', function () {
  this.timeout(60_000);

  it('has a worker sweep, and says what was done', async () => {
    const { address } = await sharedTemporal();
    const counts = { ...noSweepCounts(), jobs: 5, expired: 2, locks: 3, stale: 1 };
    const { activities } = replaceActivities({
      sweepJobs: () => Promise.resolve({ counts: { ...counts, locks: 0, stale: 0 }, after: null }),
      sweepLocks: () => Promise.resolve({ counts: { ...noSweepCounts(), locks: 3, stale: 1 }, after: null }),
    });
    await withWorker(activities, async ({ taskQueue }) => {
      const env = { TEMPORAL_ADDRESS: address, TEMPORAL_TASK_QUEUE: taskQueue };
      const person = await cli(['sweep'], { env, tty: true });
      assert.equal(person.code, EXIT.done, person.stderr);
      assert.deepEqual(person.lines, [
        '5 jobs looked at: 2 records deleted, 0 folders without a record deleted, 0 jobs ended by force being settled',
        '3 locks looked at: 1 stale ones removed',
      ]);
      const script = await cli(['sweep'], { env });
      assert.deepEqual(script.lines.map(json), [counts]);
    });
  });

  it('says in one line what is wrong: its arguments, a setting, Temporal, or that it takes longer', async () => {
    const { address } = await sharedTemporal();
    const nowhere = { TEMPORAL_ADDRESS: '127.0.0.1:9' };
    const nobody = { TEMPORAL_ADDRESS: address, TEMPORAL_TASK_QUEUE: 'nobody-works-here' };
    const cases = [
      { args: ['--wait', 'soon'], env: nowhere, code: EXIT.usage, says: /must be a whole number from 1 to 86400/ },
      { args: [], env: { TEMPORAL_TLS: 'maybe' }, code: EXIT.settings, says: /^apollo: TEMPORAL_TLS / },
      { args: [], env: nowhere, code: EXIT.unreachable, says: /^apollo: Temporal at 127.0.0.1:9 did not sweep: / },
      {
        args: ['--wait', '1'],
        env: nobody,
        code: EXIT.notEnded,
        says: /^apollo: the sweep goes on as workflow nobody/,
      },
    ];
    for (const { args, env, code, says } of cases) {
      const ended = await cli(['sweep', ...args], { env });
      assert.equal(ended.code, code, ended.stderr);
      assert.match(ended.stderr, says);
      assert.match(ended.stderr, /^[^\n]+\n$/);
    }
  });
});
