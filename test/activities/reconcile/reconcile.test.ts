import assert from 'node:assert/strict';
import type { FileEntry, FileRecord, JobOwner } from '../../../contract/messages.ts';
import { requestedFile } from '../../../contract/file-records.ts';
import { emptyCounts } from '../../../contract/states.ts';
import type { JobRecord } from '../../../storage/job-records.ts';
import { lockName } from '../../../storage/lock-names.ts';
import { answerError, holdBefore, resetAfter } from '../../support/storage-proxy/index.ts';
import { newPlace, type Place } from '../locks/locking.ts';
import { failsWith, makeActivityTest, newOwner, type ActivityTest } from '../support.ts';

const NAMES = ['a', 'b', 'c'];

describe('settling a job that was ended by force', () => {
  let test: ActivityTest;
  let place: Place;
  let owner: JobOwner;

  before(async () => {
    test = await makeActivityTest();
  });

  beforeEach(() => {
    place = newPlace(test);
    owner = newOwner();
    test.jobs.say(owner, 'ended');
  });

  afterEach(() => {
    test.proxy.removeFaults();
    test.now = undefined;
    test.jobs.last = { endedAt: 1_000, state: 'Processing' };
  });

  /** Puts sources, the job's record and its locks, as they are while it copies. */
  async function begun(changes: Partial<JobRecord> = {}, names: string[] = NAMES): Promise<JobRecord> {
    const { correlationId, firstRunId, namespace } = owner;
    const record: JobRecord = {
      correlationId,
      chain: { namespace, firstRunId },
      ...{ caller: 'ann', digest: 'd', receivedAt: 500, taskQueue: 'apollo-copy', options: { overwrite: 'always' } },
      ...{ collections: place.collections, entries: place.entries(...names), bulk: null, admission: null },
      status: {
        ...{ correlationId, state: 'Requested', counts: emptyCounts(names.length) },
        ...{ startedAt: 500, endedAt: null, message: '' },
      },
      ...changes,
    };
    for (const name of names) await putSource(name);
    await test.storage.records.create(record);
    if (record.entries !== null) await place.take(owner, names);
    return record;
  }

  async function putSource(name: string): Promise<void> {
    const { bucket, name: object } = place.source(name);
    await test.emulator.putObject(bucket, object, `content of ${name}`);
  }

  async function copy(name: string, content = `content of ${name}`): Promise<void> {
    const { bucket, name: object } = place.destination(name);
    await test.emulator.putObject(bucket, object, content);
  }

  const madeAt = async (name: string) => (await test.storage.objects.stat(place.destination(name)))!.createdAt;
  const fence = () => test.run('fenceJob', { correlationId: owner.correlationId });
  const settle = (wasBegun = true, lostAt = Number.MAX_SAFE_INTEGER, info = {}) =>
    test.run('settleFiles', { correlationId: owner.correlationId, wasBegun, lostAt, endedAt: 1_000 }, info);
  const release = () => test.run('releaseJobLocks', { correlationId: owner.correlationId });
  const close = (endedAt: number | null = 1_000) =>
    test.run('closeLostJob', { correlationId: owner.correlationId, endedAt });
  const record = async () => (await test.storage.records.read(owner.correlationId))!.record;

  async function results(): Promise<Record<string, FileRecord>> {
    const files = await test.storage.records.readFinal(owner.correlationId);
    return Object.fromEntries(Array.from(files.values(), (file) => [file.fileName, file]));
  }

  async function states(): Promise<Record<string, string>> {
    return Object.fromEntries(Object.entries(await results()).map(([name, { state }]) => [name, state]));
  }

  it('tells of each file what is at its destination, and closes the record with true counts', async () => {
    const { entries } = await begun();
    const told = { ...requestedFile(entries![0]!, 0, 500), state: 'Failed' as const, message: 'SOURCE_NOT_FOUND: a' };
    await test.storage.records.appendResults(owner.correlationId, 0, [told]);
    await copy('b');
    assert.deepEqual(await fence(), {
      found: 'lost',
      endedAt: 1_000,
      wasBegun: true,
      locks: 3,
      isBulk: false,
    });
    assert.deepEqual(await settle(), { unresolved: 2, copied: 1 });
    await release();
    await close();

    const { a, b, c } = await results();
    assert.deepEqual(a, told, 'what was known stays');
    const stored = await test.emulator.statObject(test.destinationBucket, place.destination('b').name);
    assert.deepEqual(
      [b!.state, b!.message, b!.size, b!.crc32c, b!.generation],
      ['Completed', '', stored?.size, stored?.crc32c, stored?.generation],
    );
    assert.deepEqual([c!.state, c!.generation], ['Cancelled', null]);
    assert.match(c!.message, /^TERMINATED: /);
    const asked = { state: 'Requested', at: 500 };
    assert.deepEqual(b!.history, [asked, { state: 'Completed', at: await madeAt('b') }]);
    assert.deepEqual(c!.history, [asked, { state: 'Cancelled', at: 1_000 }]);
    const { status, entries: left } = await record();
    assert.deepEqual(status, {
      ...{ correlationId: owner.correlationId, state: 'Terminated', startedAt: 500, endedAt: 1_000 },
      counts: { requested: 3, completed: 1, skipped: 0, failed: 1, cancelled: 1, pending: 0, bytes: 12 },
      message: 'TERMINATED: the job was ended by force in Temporal',
    });
    assert.equal(left, null);
    assert.deepEqual(await place.locksOn(...NAMES), []);
  });

  it('may be repeated at every point, and changes nothing that it has told', async () => {
    await begun();
    await copy('a');
    const { proxy, controlBucket } = test;
    const { correlationId } = owner;
    const uploads = [
      { name: lockName(place.destination('b')), step: fence },
      { name: `jobs/${correlationId}/results/settled.ndjson`, step: settle },
      { name: `jobs/${correlationId}/job.json`, step: close },
    ];
    for (const { name, step } of uploads) {
      proxy.inject({ operation: 'upload', bucket: controlBucket, name }, resetAfter(), { times: 1 });
      await failsWith(step(), 'STORAGE_UNAVAILABLE', { retryable: true });
      await step();
      await step();
      if (step !== close) await release();
      // After it was said that a file is not there, it no longer matters what comes.
      if (step === settle) await copy('c');
    }
    assert.deepEqual(await states(), { a: 'Completed', b: 'Cancelled', c: 'Cancelled' });
    const { counts } = (await record()).status;
    assert.deepEqual([counts.completed, counts.cancelled, counts.pending], [1, 2, 0]);
    assert.deepEqual(await fence(), { found: 'settled' });
  });

  it('takes the locks from whatever is left of the job, which writes nothing more, and remembers since when they are held', async () => {
    await begun();
    const before = await place.locksOn(...NAMES);
    await copy('a');
    await fence();
    const after = await place.locksOn(...NAMES);
    for (const [index, lock] of after.entries()) {
      assert.notEqual(lock.generation, before[index]!.generation);
      assert.deepEqual({ ...lock, generation: '' }, { ...before[index]!, generation: '' });
    }
    const late = test.run('copyFile', {
      source: place.source('b'),
      destination: place.destination('b'),
      lock: before[1]!,
      overwrite: 'always',
    });
    await failsWith(late, 'LOCK_LOST', { retryable: false });
    // A second time, since the first attempt's answer may have been lost: copies are older than these locks.
    await fence();
    await settle();
    assert.equal((await states())['a'], 'Completed');
  });

  it('calls nothing its copy that was there before the job, or is something else', async () => {
    await copy('a');
    await test.emulator.statObject(test.destinationBucket, place.destination('a').name);
    const createdAt = await madeAt('a');
    while (Date.now() <= createdAt);
    await begun();
    await copy('b', 'something else');
    await fence();
    await settle();
    assert.deepEqual(await states(), { a: 'Cancelled', b: 'Cancelled', c: 'Cancelled' });
  });

  it('goes by the claim where a lock has changed hands', async () => {
    await begun();
    await copy('a');
    const [lock] = await place.locksOn('a');
    const next = newOwner();
    await test.storage.locks.takeOver(lock!, next);
    assert.equal((await fence()).found, 'lost');
    await settle();
    await release();
    assert.equal((await states())['a'], 'Completed');
    const [held] = await place.locksOn('a');
    assert.deepEqual(held?.owner, next, 'the lock of another job stays');
  });

  it("calls nothing its copy that the next job has made after this one's end, though it is the same content", async () => {
    await begun();
    await copy('a');
    const lostAt = await madeAt('a');
    const next = newOwner();
    for (const name of ['a', 'b']) {
      const [lock] = await place.locksOn(name);
      await test.storage.locks.takeOver(lock!, next);
    }
    while (Date.now() <= lostAt);
    await copy('b');
    await copy('c');
    await settle(true, lostAt);
    // Nobody else can have written under the lock on c, which is still the job's own: that came late.
    assert.deepEqual(await states(), { a: 'Completed', b: 'Cancelled', c: 'Completed' });
  });

  describe('whose workflow still tells what it knew of its files', () => {
    /** What the workflow tells of the file with this index. */
    function tell(entries: readonly FileEntry[], index: number, outcome: Partial<FileRecord>): FileRecord {
      const file = requestedFile(entries[index]!, index, 500);
      return { ...file, ...outcome, history: [...file.history, { state: outcome.state ?? 'Requested', at: 600 }] };
    }

    it('leaves what it had told of them, though nothing is to be seen of that any more', async () => {
      const { entries } = await begun();
      const failedThen = tell(entries!, 0, { state: 'Failed', message: 'SOURCE_NOT_FOUND: a', retryCount: 2 });
      const copiedThen = tell(entries!, 1, { state: 'Completed', size: 12, generation: '7' });
      const underWay = tell(entries!, 2, { state: 'Processing' });
      test.jobs.files.set(owner.correlationId, [failedThen, copiedThen, underWay]);
      // What the next job has made there by now.
      await copy('b', 'of another job');
      await copy('c');
      assert.deepEqual(await settle(), { unresolved: 3, copied: 2 });
      const { a, b, c } = await results();
      assert.deepEqual([a, b], [failedThen, copiedThen]);
      assert.equal(c?.state, 'Completed', 'looked for, as it was under way');
    });

    it('is not asked where no copy was ever ordered', async () => {
      const { entries } = await begun();
      test.jobs.files.set(owner.correlationId, [tell(entries!, 0, { state: 'Completed' })]);
      await settle(false);
      assert.deepEqual(await states(), { a: 'Cancelled', b: 'Cancelled', c: 'Cancelled' });
    });

    it('is asked again where nobody answers, and then is done without', async () => {
      await begun();
      await copy('a');
      test.jobs.files.set(owner.correlationId, new Error('no worker'));
      await failsWith(settle(), 'WORKER_LOST', { retryable: true });
      test.logged.splice(0);
      await settle(true, Number.MAX_SAFE_INTEGER, { attempt: 2 });
      assert.deepEqual(await states(), { a: 'Completed', b: 'Cancelled', c: 'Cancelled' });
      assert.ok(test.logged.some(({ correlationId }) => correlationId === owner.correlationId));
    });
  });

  it('does not take for begun what waited for its locks, where Temporal does not tell', async () => {
    const holder = newOwner();
    const names = ['a'];
    await begun({}, []);
    const stored = await test.storage.records.read(owner.correlationId);
    await test.storage.records.replace({ ...stored!, record: { ...stored!.record, entries: place.entries(...names) } });
    await place.take(holder, names);
    await putSource('a');
    await copy('a');
    for (const [state, age] of [
      ['unknown', 6_000],
      ['ended', 0],
    ] as const) {
      test.jobs.say(owner, state);
      test.jobs.last = { endedAt: 1_000, state: 'Cancelling' };
      test.now = Date.now() + age;
      const fenced = await fence();
      assert.ok(fenced.found === 'lost' && !fenced.wasBegun, JSON.stringify(fenced));
    }
    await settle(false);
    assert.deepEqual(await states(), { a: 'Cancelled' });
  });

  it('looks for nothing where no copy was ever ordered, or was to be', async () => {
    await begun();
    await copy('a');
    test.jobs.last = { endedAt: 1_000, state: 'Requested' };
    const fenced = await fence();
    assert.ok(fenced.found === 'lost' && !fenced.wasBegun);
    assert.deepEqual(await settle(false), { unresolved: 3, copied: 0 });

    owner = newOwner();
    await begun({ options: { overwrite: 'always', dryRun: true } });
    assert.deepEqual(await settle(), { unresolved: 3, copied: 0 });
    assert.deepEqual(await states(), { a: 'Cancelled', b: 'Cancelled', c: 'Cancelled' });
  });

  it('tells of no files where access was never granted', async () => {
    await begun({ entries: null, collections: [] });
    test.jobs.last = { endedAt: 1_000, state: 'Cancelling' };
    const fenced = await fence();
    assert.ok(fenced.found === 'lost' && !fenced.wasBegun);
    assert.deepEqual(await settle(), { unresolved: 0, copied: 0 });
    await release();
    await close(null);
    const { status } = await record();
    assert.equal(status.state, 'Terminated');
    assert.deepEqual(status.counts, { ...emptyCounts(3), pending: 0 });
    assert.equal(status.message, 'TERMINATED: the job was ended by force in Temporal before it was decided');
    assert.ok(status.endedAt !== null && status.endedAt > 1_000, 'when it was found out, where nobody knows better');
  });

  it('fails a file that storage refuses to tell of, and tries again where it does not answer', async () => {
    await begun();
    const ofSource = { operation: 'stat', ...place.source('a') } as const;
    test.proxy.inject(ofSource, answerError(503), { times: 1 });
    await failsWith(settle(), 'STORAGE_UNAVAILABLE', { retryable: true });
    test.proxy.inject(ofSource, answerError(403), { times: 1 });
    await settle();
    const { a } = await results();
    assert.equal(a?.state, 'Failed');
    assert.match(a.message, /^STORAGE_FORBIDDEN: /);
  });

  it('leaves alone what runs, what has been settled, what it does not know, and what Temporal may not know yet', async () => {
    assert.deepEqual(await fence(), { found: 'settled' }, 'no record');
    await begun();
    test.jobs.say(owner, 'running');
    assert.deepEqual(await fence(), { found: 'running' });
    test.jobs.say(owner, 'unknown');
    const young = await fence();
    assert.ok(young.found === 'young' && young.forMs > 0 && young.forMs <= 5_000, JSON.stringify(young));
    test.now = Date.now() + 6_000;
    assert.deepEqual(await fence(), {
      found: 'lost',
      endedAt: null,
      wasBegun: true,
      locks: 3,
      isBulk: false,
    });

    owner = newOwner({ namespace: 'another' });
    await begun();
    assert.deepEqual(await fence(), { found: 'running' });
  });

  it('knows that the job has ended where another one has taken its workflow id', async () => {
    await begun();
    test.jobs.say({ ...newOwner(), correlationId: owner.correlationId }, 'running');
    assert.deepEqual(await fence(), {
      found: 'lost',
      endedAt: null,
      wasBegun: true,
      locks: 3,
      isBulk: false,
    });
  });

  it('outdoes what late attempts of the job have to say', async () => {
    const { entries } = await begun();
    await fence();
    await settle();
    const [b] = entries!.slice(1);
    const late = { ...requestedFile(b!, 1, 500), state: 'Failed' as const, message: 'STORAGE_UNAVAILABLE: late' };
    await test.run('saveResults', { correlationId: owner.correlationId, batch: 0, files: [late] });
    await release();
    await close();
    assert.deepEqual(await states(), { a: 'Cancelled', b: 'Cancelled', c: 'Cancelled' });
    const closed = await record();
    const claiming = {
      taskQueue: 'apollo-copy',
      input: {
        requestor: { caller: 'ann', principals: ['ann'] },
        digest: 'd',
        request: { entries: entries!, options: { overwrite: 'always' as const } },
        receivedAt: 500,
      },
      collections: place.collections,
    };
    await test.run('closeRecord', {
      owner,
      admission: { decision: 'accepted' },
      status: { ...closed.status, state: 'Completed' },
      claim: claiming,
    });
    const claim = await test.run('claimJob', { owner, ...claiming, isPlanned: true });
    assert.equal(claim.claimed, false);
    assert.deepEqual(await record(), closed);
  });

  it('keeps what is left of the job from writing an end before anything is asked', async () => {
    await begun();
    const claimedAt = await test.storage.records.claimedAt(await record());
    await fence();
    assert.deepEqual((await record()).lost, { claimedAt });
    assert.equal(await test.storage.records.claimedAt(await record()), claimedAt, 'though the object is younger');
  });

  for (const isMarkedByAnother of [false, true]) {
    const who = isMarkedByAnother ? ', told of as lost meanwhile' : '';

    it(`recognises what was copied before another job took the lock over${who}`, async () => {
      await begun();
      await copy('a');
      const [lock] = await place.locksOn('a');
      await test.storage.locks.takeOver(lock!, newOwner());
      const lostAt = Date.now();
      while (Date.now() <= lostAt);
      const stored = await test.storage.records.read(owner.correlationId);
      if (isMarkedByAnother) await test.storage.records.markLost(stored!);
      await settle(true, lostAt);
      assert.deepEqual(await states(), { a: 'Completed', b: 'Cancelled', c: 'Cancelled' });
    });
  }

  it('is settled by another one, where its end is written as it is marked', async () => {
    await begun();
    const marking = holdBefore();
    const name = `jobs/${owner.correlationId}/job.json`;
    test.proxy.inject({ operation: 'upload', name }, marking, { times: 1 });
    const fencing = fence();
    await marking.reached;
    await close();
    marking.release();
    assert.deepEqual(await fencing, { found: 'settled' });
  });

  it('is left to settle by late attempts of the job, once somebody was told how it ended', async () => {
    const { entries } = await begun();
    const stored = await test.storage.records.read(owner.correlationId);
    assert.ok(stored !== undefined);
    await test.storage.records.markLost(stored);
    const request = { entries: entries!, options: { overwrite: 'always' as const } };
    const input = { requestor: { caller: 'ann', principals: ['ann'] }, digest: 'd', request, receivedAt: 500 };
    const claim = { taskQueue: 'apollo-copy', input, collections: place.collections };
    const { status } = stored.record;
    await test.run('closeRecord', {
      ...{ owner, claim, recordGeneration: stored.generation },
      ...{ admission: { decision: 'accepted' }, status: { ...status, state: 'Completed' } },
    });
    assert.equal((await test.run('claimJob', { owner, ...claim, isPlanned: true })).claimed, false);
    assert.equal((await record()).status.state, 'Requested');
    await settle();
    await close();
    assert.equal((await record()).status.state, 'Terminated');
  });

  it('has begun before any of its locks is taken over', async () => {
    await begun();
    test.jobs.isReconciling = false;
    const next = newOwner({ correlationId: `f${newOwner().correlationId.slice(1)}` });
    assert.ok(!(await place.take(next, NAMES)).locked);
    test.jobs.isReconciling = true;
    test.jobs.reconciled.splice(0);
    assert.ok((await place.take(next, NAMES)).locked);
    assert.deepEqual(
      test.jobs.reconciled.filter((id) => id === owner.correlationId),
      [owner.correlationId],
    );
  });
});
