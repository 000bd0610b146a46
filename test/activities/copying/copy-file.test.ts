import assert from 'node:assert/strict';
import {
  alterJson,
  answerError,
  holdAfter,
  holdBefore,
  inCalls,
  meanwhile,
  resetAfter,
  resetBefore,
} from '../../support/storage-proxy/index.ts';
import { prepareCopy, reaches } from './copying.ts';
import { failsWith, makeActivityTest, type ActivityTest } from '../support.ts';

describe('copyFile', () => {
  let test: ActivityTest;

  before(async () => {
    test = await makeActivityTest();
  });

  afterEach(() => {
    test.proxy.removeFaults();
  });

  describe('copies', () => {
    it('a file, and tells what is at the destination then', async () => {
      const copying = await prepareCopy(test);
      const outcome = await test.run('copyFile', copying.task);
      const { source, destination } = copying.task;
      const made = await test.emulator.statObject(destination.bucket, destination.name);
      const from = await test.emulator.statObject(source.bucket, source.name);
      assert.deepEqual(outcome, {
        ...{ state: 'Completed', message: '', size: 7, crc32c: made?.crc32c, generation: made?.generation },
        ...{ sourceGeneration: from?.generation, retryCount: 0 },
      });
      assert.equal(await copying.content(), 'content');
      assert.equal(copying.writes(), 1);
    });

    it('an empty file', async () => {
      const copying = await prepareCopy(test, { source: '' });
      const { state, size } = await test.run('copyFile', copying.task);
      assert.deepEqual({ state, size }, { state: 'Completed', size: 0 });
      assert.equal(await copying.content(), '');
    });

    it('in several calls, pinned to what was read before the first', async () => {
      const copying = await prepareCopy(test, { existing: 'theirs' });
      copying.inject('rewrite', inCalls(4));
      const { sourceGeneration } = await test.run('copyFile', copying.task);
      const pins = copying.rewrites().map(({ query }) => [query['sourceGeneration'], query['ifGenerationMatch']]);
      assert.equal(pins.length, 4);
      for (const pin of pins) assert.deepEqual(pin, pins[0]);
      assert.equal(pins[0]?.[0], sourceGeneration);
      assert.equal(copying.writes(), 1);
    });

    it('reading the destination, then the lock, then writing: in this order', async () => {
      const copying = await prepareCopy(test);
      const isOurs = ({ name }: { name: string }) => name.includes(copying.task.destination.name);
      await test.run('copyFile', copying.task);
      const [first, second, ...rest] = test.proxy.requests(isOurs).slice(-4);
      const buckets = new Set([first?.bucket, second?.bucket]);
      assert.deepEqual(buckets, new Set([test.sourceBucket, test.destinationBucket]));
      const order = rest.map(({ operation, bucket }) => `${operation} ${bucket}`);
      assert.deepEqual(order, [`stat ${test.controlBucket}`, `rewrite ${test.destinationBucket}`]);
    });

    it('counts the attempts before it as retries', async () => {
      const copying = await prepareCopy(test);
      const { retryCount } = await test.run('copyFile', copying.task, { attempt: 3 });
      assert.equal(retryCount, 2);
    });
  });

  describe('where the destination exists', () => {
    it('replaces it with "always"', async () => {
      const copying = await prepareCopy(test, { existing: 'theirs' });
      assert.equal((await test.run('copyFile', copying.task)).state, 'Completed');
      assert.equal(await copying.content(), 'content');
    });

    it('replaces it with "always" though it is the same: it was there before the lock', async () => {
      const copying = await prepareCopy(test, { existing: 'content' });
      assert.equal((await test.run('copyFile', copying.task)).state, 'Completed');
      assert.equal(copying.writes(), 1);
    });

    it('skips it with "never", telling what is there', async () => {
      const copying = await prepareCopy(test, { existing: 'theirs', overwrite: 'never' });
      const outcome = await test.run('copyFile', copying.task);
      const { destination } = copying.task;
      const there = await test.emulator.statObject(destination.bucket, destination.name);
      const { state, message, size, crc32c, generation } = outcome;
      assert.match(message, /^DESTINATION_EXISTS: /);
      assert.deepEqual(
        { state, size, crc32c, generation },
        { state: 'Skipped', size: 6, crc32c: there?.crc32c, generation: there?.generation },
      );
      assert.equal(copying.rewrites().length, 0);
    });

    it('skips it with "ifDifferent" where it has the same content', async () => {
      const copying = await prepareCopy(test, { existing: 'content', overwrite: 'ifDifferent' });
      const { state, message } = await test.run('copyFile', copying.task);
      assert.equal(state, 'Skipped');
      assert.match(message, /^DESTINATION_UNCHANGED: /);
      assert.equal(copying.rewrites().length, 0);
    });

    it('replaces it with "ifDifferent" where it has other content, of the same size too', async () => {
      for (const existing of ['theirs', 'CONTENT']) {
        const copying = await prepareCopy(test, { existing, overwrite: 'ifDifferent' });
        assert.equal((await test.run('copyFile', copying.task)).state, 'Completed');
        assert.equal(await copying.content(), 'content');
      }
    });

    it('replaces it with "ifDifferent" where nobody knows whether it differs', async () => {
      const copying = await prepareCopy(test, { existing: 'content', overwrite: 'ifDifferent' });
      copying.inject(
        'stat destination',
        alterJson((resource) => ({ ...resource, crc32c: undefined })),
      );
      assert.equal((await test.run('copyFile', copying.task)).state, 'Completed');
      assert.equal(copying.writes(), 1);
    });
  });

  for (const overwrite of ['never', 'ifDifferent'] as const) {
    it(`copies with "${overwrite}" where there is no destination`, async () => {
      const copying = await prepareCopy(test, { overwrite });
      assert.equal((await test.run('copyFile', copying.task)).state, 'Completed');
      assert.equal(await copying.content(), 'content');
    });
  }

  describe('whose answer was lost', () => {
    for (const overwrite of ['always', 'never', 'ifDifferent'] as const) {
      it(`finds its own copy at the next attempt, and does not write again ("${overwrite}")`, async () => {
        const copying = await prepareCopy(test, { overwrite });
        copying.inject('rewrite', resetAfter(), { times: 1 });
        await failsWith(test.run('copyFile', copying.task), 'STORAGE_UNAVAILABLE', { retryable: true });
        const outcome = await test.run('copyFile', copying.task, { attempt: 2 });
        assert.deepEqual(
          { ...outcome, generation: '' },
          { ...outcome, state: 'Completed', message: '', generation: '', retryCount: 1 },
        );
        assert.equal(copying.writes(), 1);
        assert.equal(copying.rewrites().length, 1);
      });
    }

    for (const others of [0, 2]) {
      it(`finds its own copy where it was repeated underneath and refused, after ${others} writes of others`, async () => {
        const copying = await prepareCopy(test);
        copying.inject(
          'rewrite',
          meanwhile(() => copying.putDestination('theirs')),
          { times: others },
        );
        // Somebody on the way repeats the request whose answer was lost: the second one is refused.
        copying.inject('rewrite', async (_request, proceed) => {
          await proceed();
          return await proceed();
        });
        const { state } = await test.run('copyFile', copying.task);
        assert.equal(state, 'Completed');
        assert.equal(copying.writes(), 1);
        assert.equal(copying.rewrites().length, others + 1);
      });
    }

    it('copies again where the source has changed since', async () => {
      const copying = await prepareCopy(test);
      copying.inject('rewrite', resetAfter(), { times: 1 });
      await failsWith(test.run('copyFile', copying.task), 'STORAGE_UNAVAILABLE', { retryable: true });
      const generation = await copying.putSource('new content');
      const { state, sourceGeneration } = await test.run('copyFile', copying.task, { attempt: 2 });
      assert.deepEqual({ state, sourceGeneration }, { state: 'Completed', sourceGeneration: generation });
      assert.equal(await copying.content(), 'new content');
    });
  });

  describe('where others write the destination meanwhile', () => {
    for (const times of [1, 2]) {
      it(`pins again and overwrites with "always": ${times} times`, async () => {
        const copying = await prepareCopy(test, { existing: 'theirs' });
        let writes = 0;
        const write = meanwhile(() => copying.putDestination(`theirs ${(writes += 1)}`));
        copying.inject('rewrite', write, { times });
        assert.equal((await test.run('copyFile', copying.task)).state, 'Completed');
        assert.equal(await copying.content(), 'content');
        const pins = copying.rewrites().map(({ query }) => query['ifGenerationMatch']);
        assert.equal(new Set(pins).size, times + 1, 'each try is pinned to what was read for it');
      });
    }

    it('gives up at the third time', async () => {
      const copying = await prepareCopy(test);
      copying.inject(
        'rewrite',
        meanwhile(() => copying.putDestination('theirs')),
      );
      await failsWith(test.run('copyFile', copying.task), 'DESTINATION_CHANGED', { retryable: false });
      assert.equal(copying.rewrites().length, 3);
      assert.equal(copying.writes(), 0);
      assert.equal(await copying.content(), 'theirs');
    });

    it('looks at the lock again before each try', async () => {
      const copying = await prepareCopy(test);
      const steal = async () => {
        await copying.putDestination('theirs');
        const lock = await test.storage.locks.read(copying.task.destination);
        if (lock !== undefined) await test.storage.locks.release(lock, lock.generation);
      };
      copying.inject('rewrite', meanwhile(steal), { times: 1 });
      await failsWith(test.run('copyFile', copying.task), 'LOCK_LOST', { retryable: false });
      assert.equal(copying.rewrites().length, 1);
      assert.equal(await copying.content(), 'theirs');
    });

    it('skips with "never"', async () => {
      const copying = await prepareCopy(test, { overwrite: 'never' });
      copying.inject(
        'rewrite',
        meanwhile(() => copying.putDestination('theirs')),
        { times: 1 },
      );
      const { state, message } = await test.run('copyFile', copying.task);
      assert.equal(state, 'Skipped');
      assert.match(message, /^DESTINATION_EXISTS/);
      assert.equal(await copying.content(), 'theirs');
    });

    it('compares with "ifDifferent"', async () => {
      const copying = await prepareCopy(test, { existing: 'before', overwrite: 'ifDifferent' });
      copying.inject(
        'rewrite',
        meanwhile(() => copying.putDestination('theirs')),
        { times: 1 },
      );
      assert.equal((await test.run('copyFile', copying.task)).state, 'Completed');
      assert.equal(await copying.content(), 'content');
    });

    it('and delete it, makes it anew', async () => {
      const copying = await prepareCopy(test, { existing: 'theirs' });
      const { bucket, name } = copying.task.destination;
      copying.inject(
        'rewrite',
        meanwhile(() => test.emulator.deleteObject(bucket, name)),
        { times: 1 },
      );
      assert.equal((await test.run('copyFile', copying.task)).state, 'Completed');
      assert.deepEqual(
        copying
          .rewrites()
          .map(({ query }) => query['ifGenerationMatch'])
          .slice(1),
        ['0'],
      );
    });
  });

  describe('writes nothing', () => {
    it('where its lock is gone', async () => {
      const copying = await prepareCopy(test);
      await test.storage.locks.release(copying.task.destination, copying.task.lock.generation);
      await failsWith(test.run('copyFile', copying.task), 'LOCK_LOST', { retryable: false });
      assert.equal(copying.rewrites().length, 0);
    });

    it('where its lock is in other hands, even back in its own', async () => {
      const copying = await prepareCopy(test);
      const lock = await test.storage.locks.read(copying.task.destination);
      assert.ok(lock !== undefined);
      await test.storage.locks.takeOver(lock, copying.owner);
      await failsWith(test.run('copyFile', copying.task), 'LOCK_LOST', { retryable: false });
      assert.equal(copying.rewrites().length, 0);
    });

    for (const [moment, operation, hold] of [
      ['read the destination', 'stat lock', holdBefore],
      ['seen that its lock stands', 'stat lock', holdAfter],
      ['sent its write', 'rewrite', holdBefore],
    ] as const) {
      it(`over what a later job wrote after it had ${moment}`, async () => {
        const copying = await prepareCopy(test, { existing: 'before' });
        const held = hold();
        copying.inject(operation, held, { times: 1 });
        const copied = failsWith(test.run('copyFile', copying.task), 'LOCK_LOST', { retryable: false });
        await reaches(copied, held, operation);
        const lock = await test.storage.locks.read(copying.task.destination);
        assert.ok(lock !== undefined);
        await test.storage.locks.takeOver(lock, { ...copying.owner, firstRunId: 'later' });
        await copying.putDestination('of the later job');
        held.release();
        await copied;
        assert.equal(await copying.content(), 'of the later job');
        assert.equal(copying.writes(), 0);
      });
    }
  });

  describe('fails for good', () => {
    it('where the source does not exist', async () => {
      const copying = await prepareCopy(test);
      await copying.deleteSource();
      await failsWith(test.run('copyFile', copying.task), 'SOURCE_NOT_FOUND', {
        retryable: false,
        message: /gs:\/\/.* does not exist$/,
      });
      assert.equal(copying.rewrites().length, 0);
    });

    it('where the source is deleted during the copy', async () => {
      const copying = await prepareCopy(test);
      copying.inject(
        'rewrite',
        meanwhile(() => copying.deleteSource()),
      );
      await failsWith(test.run('copyFile', copying.task), 'SOURCE_NOT_FOUND', { retryable: false });
    });

    it('where the bucket of the destination does not exist', async () => {
      const copying = await prepareCopy(test);
      const destination = { bucket: 'no-such-bucket', name: copying.task.destination.name };
      const attempt = await test.storage.locks.acquire(destination, copying.owner);
      assert.ok(attempt.taken);
      const task = { ...copying.task, destination, lock: attempt.lock };
      await failsWith(test.run('copyFile', task), 'DESTINATION_NOT_FOUND', {
        retryable: false,
        message: /no-such-bucket/,
      });
    });

    it('where the copy has another checksum', async () => {
      const copying = await prepareCopy(test);
      copying.inject(
        'rewrite',
        alterJson((answer) => ({ ...answer, resource: { ...(answer['resource'] as object), crc32c: 'AAAAAA==' } })),
      );
      await failsWith(test.run('copyFile', copying.task), 'CHECKSUM_MISMATCH', {
        retryable: false,
        message: /AAAAAA==/,
      });
    });

    it('where the copy has another size', async () => {
      const copying = await prepareCopy(test);
      copying.inject(
        'rewrite',
        alterJson((answer) => ({ ...answer, resource: { ...(answer['resource'] as object), size: '6' } })),
      );
      await failsWith(test.run('copyFile', copying.task), 'CHECKSUM_MISMATCH', { retryable: false });
    });

    for (const [title, code, fault] of [
      ['a retention policy forbids it', 'RETENTION_POLICY', answerError(403, { reason: 'retentionPolicyNotMet' })],
      ['a hold forbids it', 'RETENTION_POLICY', answerError(403, { reason: 'objectUnderActiveHold' })],
      ['a bucket bills its requester', 'REQUESTER_PAYS', answerError(400, { reason: 'userProjectMissing' })],
      ['storage forbids it', 'STORAGE_FORBIDDEN', answerError(403, { reason: 'forbidden' })],
      ['storage refuses it', 'STORAGE_REFUSED', answerError(400, { reason: 'invalid' })],
    ] as const) {
      it(`where ${title}: ${code}`, async () => {
        const copying = await prepareCopy(test);
        copying.inject('rewrite', fault);
        await failsWith(test.run('copyFile', copying.task), code, { retryable: false });
        assert.equal(copying.rewrites().length, 1);
      });
    }
  });

  it('compares no checksum where one is not known', async () => {
    const copying = await prepareCopy(test);
    copying.inject(
      'stat source',
      alterJson((resource) => ({ ...resource, crc32c: undefined })),
    );
    const { state } = await test.run('copyFile', copying.task);
    assert.equal(state, 'Completed');
  });

  describe('leaves to another attempt', () => {
    const passing = [
      ['429', 'STORAGE_RATE_LIMITED', answerError(429)],
      ['503', 'STORAGE_UNAVAILABLE', answerError(503)],
      ['500', 'STORAGE_UNAVAILABLE', answerError(500)],
      ['408', 'STORAGE_UNAVAILABLE', answerError(408)],
      ['401', 'STORAGE_UNAVAILABLE', answerError(401)],
      ['a reset connection', 'STORAGE_UNAVAILABLE', resetBefore()],
    ] as const;
    for (const operation of ['stat source', 'stat destination', 'stat lock', 'rewrite'] as const) {
      it(`what passes: ${passing.map(([title]) => title).join(', ')} (${operation})`, async () => {
        const copying = await prepareCopy(test);
        for (const [, code, fault] of passing) {
          copying.inject(operation, fault, { times: 1 });
          await failsWith(test.run('copyFile', copying.task, { attempt: 4 }), code, { retryable: true, retryCount: 3 });
        }
        assert.equal(copying.writes(), 0);
        assert.equal((await test.run('copyFile', copying.task)).state, 'Completed');
      });
    }

    it('when storage says so: Retry-After', async () => {
      const copying = await prepareCopy(test);
      copying.inject('rewrite', answerError(429, { headers: { 'retry-after': '7' } }));
      const expected = { retryable: true, nextRetryDelay: 7_000 };
      await failsWith(test.run('copyFile', copying.task), 'STORAGE_RATE_LIMITED', expected);
    });

    it('not at once where Retry-After is 0, and not after days', async () => {
      const copying = await prepareCopy(test);
      copying.inject('rewrite', answerError(503, { headers: { 'retry-after': '0' } }), { times: 1 });
      await failsWith(test.run('copyFile', copying.task), 'STORAGE_UNAVAILABLE', { retryable: true });
      copying.inject('rewrite', answerError(503, { headers: { 'retry-after': '604800' } }), { times: 1 });
      const expected = { retryable: true, nextRetryDelay: 600_000 };
      await failsWith(test.run('copyFile', copying.task), 'STORAGE_UNAVAILABLE', expected);
    });

    it('a source that was replaced during the copy, which is then copied as it is', async () => {
      const copying = await prepareCopy(test);
      copying.inject(
        'rewrite',
        meanwhile(() => copying.putSource('replaced')),
        { times: 1 },
      );
      await failsWith(test.run('copyFile', copying.task), 'SOURCE_CHANGED', { retryable: true });
      assert.equal(await copying.content(), undefined);
      assert.equal((await test.run('copyFile', copying.task, { attempt: 2 })).state, 'Completed');
      assert.equal(await copying.content(), 'replaced');
    });

    it('a source that was replaced between two calls, and shows nothing of either', async () => {
      const copying = await prepareCopy(test);
      copying.inject('rewrite', inCalls(3));
      let calls = 0;
      const replace = meanwhile(async () => {
        if ((calls += 1) === 2) await copying.putSource('replaced');
      });
      copying.inject('rewrite', replace);
      await failsWith(test.run('copyFile', copying.task), 'SOURCE_CHANGED', { retryable: true });
      assert.equal(await copying.content(), undefined);
    });
  });
});
