import assert from 'node:assert/strict';
import { ActivityCancellationDetails } from '@temporalio/common';
import type { LockTask } from '../../../activities/locks/take-locks.ts';
import type { JobOwner } from '../../../contract/messages.ts';
import { lockName } from '../../../storage/lock-names.ts';
import type { LockTarget } from '../../../storage/lock-targets.ts';
import { holdBefore, type Matcher } from '../../support/storage-proxy/index.ts';
import { usePassedTime } from '../../support/passed-time.ts';
import { until } from '../../stack/support/until.ts';
import { useLocks, type Place } from './locking.ts';
import { failsWith, type ActivityTest, type Attempt } from '../support.ts';

describe('an attempt at locks', () => {
  let test: ActivityTest;
  let place: Place;
  let owner: JobOwner;
  let other: JobOwner;

  useLocks((locks) => {
    ({ test, place, owner, other } = locks);
  });

  for (const hears of [true, false]) {
    describe(`that was given up and is still under way, ${hears ? 'and hears of it' : 'and hears nothing of it'},`, () => {
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

  describe('that is a task, of a process that was stopped for longer than its heartbeat time-out', () => {
    const TIMEOUT_MS = 10_000;
    const stopFor = usePassedTime();

    /** Begins to lock three files, one of which others hold, stops before the last lock is made, and does `meanwhile`. */
    async function stopped(more: Partial<LockTask>, meanwhile: () => Promise<unknown>): Promise<void> {
      const held = holdBefore();
      test.proxy.inject({ operation: 'upload', name: lockName(place.destination('c')) }, held, { times: 1 });
      const task = { owner, entries: place.entries('a', 'b', 'c'), collections: place.collections, ...more };
      const late = test.start('takeLocks', task, { heartbeatTimeoutMs: TIMEOUT_MS });
      await held.reached;
      await until('the others are made', async () => (await place.locksOn('a', 'b')).length === 2);
      await meanwhile();
      stopFor(TIMEOUT_MS + 1);
      held.release();
      await failsWith(late.result, 'WORKER_LOST', { retryable: true });
    }

    for (const skipLocked of [false, true]) {
      it(`gives back what it has made${skipLocked ? ', where it would do without what others hold,' : ''} and makes nothing more`, async () => {
        await stopped({ skipLocked }, () => Promise.resolve());
        assert.deepEqual(await place.locksOn('a', 'b', 'c'), []);
      });
    }

    it('leaves what another attempt has renewed since', async () => {
      let renewed: (string | undefined)[] = [];
      await stopped({}, async () => {
        const task = { owner, entries: place.entries('a', 'b'), collections: place.collections };
        const locking = await test.run('takeLocks', task, { currentAttemptScheduledTimestampMs: Date.now() + 60_000 });
        assert.ok(locking.locked);
        renewed = locking.locks.map((lock) => lock?.generation);
      });
      assert.deepEqual(
        (await place.locksOn('a', 'b', 'c')).map(({ generation }) => generation),
        renewed,
      );
    });

    it('takes nothing over that is there for the taking', async () => {
      await place.take(other, ['c']);
      test.jobs.say(other, 'ended');
      await stopped({}, () => Promise.resolve());
      assert.deepEqual(
        (await place.locksOn('a', 'b', 'c')).map((lock) => lock.owner.kind === 'job' && lock.owner.correlationId),
        [other.correlationId],
      );
    });
  });
});
