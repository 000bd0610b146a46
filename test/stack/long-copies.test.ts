import assert from 'node:assert/strict';
import { holdBefore } from '../support/storage-proxy/index.ts';
import { until } from './support/until.ts';
import { useWorld } from './support/world.ts';

/** More than the worker takes of one job at a time. */
const FILES = 110;

describe('copies that take long', function () {
  this.timeout(90_000);
  const world = useWorld('calm');

  it('keep no other job from being decided, and none from being cancelled', async () => {
    const { proxy } = world();
    const caller = await world().newCaller();
    const files = await caller.files(FILES);
    const hold = holdBefore();
    proxy.inject(caller.rewrites(), hold);
    try {
      const id = await caller.start(files);
      // All that there is to copy with is in use, and as many files as may be are in hand.
      await hold.reachedBy(20);
      const others = Array.from({ length: FILES }, (_, index) => `other-${index}`);
      const { status } = await caller.decided([...others, files[0] ?? '']);
      assert.equal(status, 423);
      assert.equal((await caller.cancel(id)).status, 200);
      hold.release();
      const { job } = await caller.ended(id);
      assert.equal(job.state, 'Cancelled');
      await until('no lock is left', async () => (await caller.locks()).length === 0);
    } finally {
      hold.release();
    }
  });
});
