import assert from 'node:assert/strict';
import { ActivityCancellationDetails } from '@temporalio/common';
import type { JobOwner } from '../../../contract/messages.ts';
import { lockName } from '../../../storage/lock-names.ts';
import type { LockTarget } from '../../../storage/lock-targets.ts';
import { holdBefore, type Matcher } from '../../support/storage-proxy/index.ts';
import { useLocks, type Place } from './locking.ts';
import type { ActivityTest, Attempt } from '../support.ts';

for (const hears of [true, false]) {
  describe(`an attempt at locks that was given up and is still under way, ${hears ? 'and hears of it' : 'and hears nothing of it'},`, () => {
    let test: ActivityTest;
    let place: Place;
    let owner: JobOwner;
    let other: JobOwner;

    useLocks((locks) => {
      ({ test, place, owner, other } = locks);
    });

    const writes = (prefix: string) => {
      const { bucket, name } = place.destination(prefix);
      return { bucket, prefix: name };
    };
    const read = (target: LockTarget) => test.storage.locks.read(target);

    const GONE = new ActivityCancellationDetails({ notFound: true });
    const FIRST = { currentAttemptScheduledTimestampMs: 1_000 };
    const SECOND = { attempt: 2, currentAttemptScheduledTimestampMs: 11_000 };

    /** Holds the first attempt back where the fault takes hold, runs a second one, then lets the first one go on. */
    async function race<Outcome>(
      request: Matcher,
      attempt: { first: () => Attempt<Outcome>; second: () => Promise<Outcome>; rival?: string },
    ) {
      const held = holdBefore();
      test.proxy.inject(request, held, { times: 1 });
      const late = attempt.first();
      await held.reached;
      test.proxy.removeFaults();
      const outcome = await attempt.second();
      // Another job tries for something in the same place, and is about to see that it is refused.
      await test.storage.locks.acquire(writes(attempt.rival ?? 'a/b/'), other);
      if (hears) late.environment.cancel('NOT_FOUND', GONE);
      held.release();
      await late.result.catch(() => undefined);
      return outcome;
    }

    const looks = () => ({ operation: 'list' as const, bucket: test.controlBucket });
    const makes = (target: LockTarget) => ({ operation: 'upload' as const, name: lockName(target) });

    for (const [when, rule] of [
      ['looks around', looks],
      ['makes its locks', () => makes(writes('a/'))],
    ] as const) {
      it(`leaves the prefix lock that a later one has told of as held, where it was held up as it ${when}`, async () => {
        const task = { owner, prefixes: [writes('a/')], sources: [], collections: place.collections };
        const outcome = await race(rule(), {
          first: () => test.start('lockPrefixes', task, FIRST),
          second: () => test.run('lockPrefixes', task, SECOND),
        });
        assert.ok(outcome.locked);
        assert.equal((await read(writes('a/')))?.generation, outcome.locks[0]?.generation);
      });
    }

    it('leaves it where it would do without all of it by now', async () => {
      const task = { owner, prefixes: [writes('a/')], sources: [], collections: place.collections, skipLocked: true };
      const outcome = await race(looks(), {
        first: () => test.start('lockPrefixes', task, FIRST),
        second: () => test.run('lockPrefixes', task, SECOND),
        rival: '',
      });
      assert.ok(outcome.locked);
      assert.equal((await read(writes('a/')))?.generation, outcome.locks[0]?.generation);
    });

    it('leaves the locks on files that a later one has told of as held', async () => {
      const task = { owner, entries: place.entries('a/b/1', 'c'), collections: place.collections };
      const outcome = await race(makes(place.destination('c')), {
        first: () => test.start('takeLocks', task, FIRST),
        second: () => test.run('takeLocks', task, SECOND),
      });
      assert.ok(outcome.locked);
      assert.deepEqual(
        (await place.locksOn('a/b/1', 'c')).map(({ generation }) => generation),
        outcome.locks.map((lock) => lock?.generation),
      );
    });
  });
}
