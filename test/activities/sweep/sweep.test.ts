import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { JobOwner } from '../../../contract/messages.ts';
import { emptyCounts, type JobState } from '../../../contract/states.ts';
import { noSweepCounts, type SweepCounts } from '../../../contract/upkeep.ts';
import type { JobRecord } from '../../../storage/job-records.ts';
import { answerError } from '../../support/storage-proxy/index.ts';
import { failsWith, makeActivityTest, newOwner, RETENTION_MS, type ActivityTest } from '../support.ts';

const DAY_MS = 24 * 60 * 60_000;
const MINUTE_MS = 60_000;

describe('the sweep', () => {
  let test: ActivityTest;
  let owner: JobOwner;

  beforeEach(async () => {
    // Of its own for each test: a sweep looks at all there is.
    test = await makeActivityTest();
    owner = newOwner();
  });

  const counts = (changes: Partial<SweepCounts>) => ({ ...noSweepCounts(), ...changes });

  async function makeRecord(of: JobOwner, state: JobState, endedAt: number | null): Promise<void> {
    const { correlationId, firstRunId, namespace } = of;
    const record: JobRecord = {
      ...{ correlationId, chain: { namespace, firstRunId }, caller: 'ann', digest: 'd', receivedAt: 500 },
      ...{
        taskQueue: 'apollo-copy',
        options: { overwrite: 'always' },
        collections: [],
        entries: null,
        bulk: null,
        admission: null,
      },
      status: { correlationId, state, counts: emptyCounts(1), startedAt: 500, endedAt, message: '' },
    };
    await test.storage.records.create(record);
  }

  async function put(correlationId: string, ...names: string[]): Promise<void> {
    for (const name of names) {
      await test.storage.objects.write({ bucket: test.controlBucket, name: `jobs/${correlationId}/${name}` }, '{}');
    }
  }

  const objects = (prefix: string) => test.emulator.listObjects(test.controlBucket, prefix);
  const sweepJobs = () => test.run('sweepJobs', { after: null });
  const sweepLocks = () => test.run('sweepLocks', { after: null });

  describe('of jobs', () => {
    it('deletes all there is of a job whose record is older than the retention, and frees its correlation id', async () => {
      test.now = Date.now();
      const young = newOwner();
      await makeRecord(owner, 'Completed', test.now - RETENTION_MS - 1);
      await makeRecord(young, 'Completed', test.now - RETENTION_MS);
      for (const { correlationId } of [owner, young]) {
        await put(correlationId, 'results/000000.ndjson', 'plan/000000.ndjson', 'input/abc');
      }
      assert.deepEqual(await sweepJobs(), { counts: counts({ jobs: 2, expired: 1 }), after: null });
      assert.deepEqual(await objects(`jobs/${owner.correlationId}/`), []);
      assert.equal((await objects(`jobs/${young.correlationId}/`)).length, 4);
      assert.deepEqual(await sweepJobs(), { counts: counts({ jobs: 1 }), after: null });
    });

    it('keeps the correlation id taken until the last of the job is gone', async () => {
      test.now = Date.now();
      await makeRecord(owner, 'Failed', test.now - RETENTION_MS - 1);
      await put(owner.correlationId, 'results/000000.ndjson');
      const isResult = { name: `jobs/${owner.correlationId}/results/000000.ndjson` };
      test.proxy.inject({ operation: 'delete', bucket: test.controlBucket, ...isResult }, answerError(503), {
        times: 1,
      });
      await failsWith(sweepJobs(), 'STORAGE_UNAVAILABLE', { retryable: true });
      assert.ok((await test.storage.records.read(owner.correlationId)) !== undefined);
      assert.equal((await sweepJobs()).counts.expired, 1);
    });

    it('has those settled that were ended by force, however old, and leaves those alone that run', async () => {
      test.now = Date.now() + RETENTION_MS * 2;
      const [ended, unknown, running, elsewhere] = [owner, newOwner(), newOwner(), newOwner({ namespace: 'other' })];
      for (const job of [ended, unknown, running, elsewhere]) await makeRecord(job, 'Requested', null);
      test.jobs.say(ended, 'ended');
      test.jobs.say(unknown, 'unknown');
      assert.deepEqual((await sweepJobs()).counts, counts({ jobs: 4, lost: 2 }));
      assert.deepEqual(new Set(test.jobs.reconciled), new Set([ended.correlationId, unknown.correlationId]));
    });

    it('deletes input whose job has no record after a day, unless its workflow still waits for a worker', async () => {
      const waiting = newOwner();
      for (const { correlationId } of [owner, waiting]) await put(correlationId, 'input/abc');
      test.jobs.say(owner, 'unknown');
      test.jobs.say(waiting, 'running');
      test.now = Date.now() + DAY_MS - MINUTE_MS;
      assert.deepEqual((await sweepJobs()).counts, counts({ jobs: 2 }));
      test.now += 2 * MINUTE_MS;
      assert.deepEqual((await sweepJobs()).counts, counts({ jobs: 2, orphaned: 1 }));
      assert.deepEqual(await objects('jobs/'), [`jobs/${waiting.correlationId}/input/abc`]);
    });

    it('leaves alone what is no job, and is not held up by a record that cannot be read', async () => {
      test.now = Date.now() + 2 * DAY_MS;
      const broken = newOwner();
      await put('notes', 'readme.txt');
      await test.emulator.putObject(test.controlBucket, `jobs/${broken.correlationId}/job.json`, '{"half":');
      const empty = newOwner();
      await test.emulator.putObject(test.controlBucket, `jobs/${empty.correlationId}/job.json`, '{}');
      await makeRecord(owner, 'Completed', 0);
      assert.deepEqual((await sweepJobs()).counts, counts({ jobs: 3, expired: 1 }));
      assert.equal((await objects('jobs/')).length, 3);
      assert.ok(test.logged.some(({ correlationId, level }) => correlationId === broken.correlationId && level === 40));
    });

    it('goes on behind what was looked at', async () => {
      test.now = Date.now();
      const ids = Array.from({ length: 3 }, () => randomUUID()).sort();
      for (const id of ids) await makeRecord({ ...newOwner(), correlationId: id }, 'Completed', test.now);
      const { counts: done } = await test.run('sweepJobs', { after: ids[0]! });
      assert.equal(done.jobs, 2);
    });

    it('is tried again where Temporal cannot be asked', async () => {
      await makeRecord(owner, 'Requested', null);
      test.jobs.say(owner, 'unreachable');
      await assert.rejects(sweepJobs(), /Temporal is unreachable/);
    });
  });

  describe('of locks', () => {
    const target = (name: string) => ({ bucket: test.destinationBucket, name });

    async function lock(name: string, of: JobOwner): Promise<void> {
      assert.ok((await test.storage.locks.acquire(target(name), of)).taken);
    }

    it('removes those of jobs that no longer run, on files and on prefixes, once they are some minutes old', async () => {
      await lock('a', owner);
      await test.storage.locks.acquire({ bucket: test.destinationBucket, prefix: '2026/' }, owner);
      const running = newOwner();
      await lock('b', running);
      await test.storage.locks.acquire(target('c'), { kind: 'manual', who: 'ann', why: 'audit' });
      test.jobs.say(owner, 'ended');
      assert.deepEqual(await sweepLocks(), { counts: counts({ locks: 4 }), after: null });
      test.now = Date.now() + 11 * MINUTE_MS;
      assert.deepEqual(await sweepLocks(), { counts: counts({ locks: 4, stale: 2 }), after: null });
      assert.equal((await objects('locks/')).length, 2);
    });

    it('leaves those of a job that is still to be settled to that', async () => {
      await makeRecord(owner, 'Requested', null);
      await lock('a', owner);
      test.jobs.say(owner, 'ended');
      test.now = Date.now() + 11 * MINUTE_MS;
      assert.deepEqual((await sweepLocks()).counts, counts({ locks: 1 }));
      assert.deepEqual(test.jobs.reconciled, [owner.correlationId]);
    });

    it('keeps them where Temporal cannot be asked', async () => {
      await lock('a', owner);
      test.jobs.say(owner, 'unreachable');
      test.now = Date.now() + 11 * MINUTE_MS;
      assert.deepEqual((await sweepLocks()).counts, counts({ locks: 1 }));
    });
  });
});
