import assert from 'node:assert/strict';
import { useWorld } from './support/world.ts';

describe('a retry', function () {
  this.timeout(90_000);
  const world = useWorld('calm');

  it('of a job with 7 failed files of 40 is a job of exactly those 7', async () => {
    const caller = await world().newCaller();
    const there = await caller.files(33, 'there');
    const missing = Array.from({ length: 7 }, (_, index) => `missing-${index}.txt`);
    // Among the others, not behind them.
    const names = [...there.slice(0, 5), ...missing.slice(0, 3), ...there.slice(5), ...missing.slice(3)];
    const id = await caller.start(names);
    const { job } = await caller.ended(id);
    assert.deepEqual([job.state, job.counts.completed, job.counts.failed], ['CompletedWithErrors', 33, 7]);
    for (const name of missing) await caller.put(name);

    const { status, body } = await caller.retry(id);
    assert.equal(status, 200);
    assert.equal(body.data.Message, 'Number of file copy requests:7');
    const again = await caller.ended(body.data.CorrelationId);
    assert.deepEqual([again.job.state, again.job.counts.requested], ['Completed', 7]);
    assert.deepEqual(
      again.data.map(({ payload }) => payload.fileName),
      missing,
    );
    assert.ok(caller.writes(names).every((count) => count === 1));
    assert.equal((await caller.retry(body.data.CorrelationId)).status, 409, 'nothing is left to retry');
  });
});
