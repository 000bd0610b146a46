import assert from 'node:assert/strict';
import type { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type { FileRecord } from '../../../contract/messages.ts';
import type { FinalFileState } from '../../../contract/states.ts';
import { responseError, StorageError } from '../../../storage/errors.ts';
import { Lanes } from '../../../storage/pacing/lanes.ts';
import { createMetrics } from '../../../worker/metrics/index.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { rememberingMeter } from './meter.ts';

function setUp() {
  const { meter, series } = rememberingMeter();
  const metrics = createMetrics(meter);
  /** Runs an activity that ends so, as far as the metrics see it. */
  async function run(
    activityType: string,
    end: () => unknown,
    task: unknown = {},
    cancellationSignal = new AbortController().signal,
  ): Promise<void> {
    const { inbound } = metrics.activity({ info: { activityType }, cancellationSignal } as unknown as Context);
    const next = () => Promise.resolve().then(end);
    await inbound?.execute?.({ args: [task], headers: {} }, next).catch(() => undefined);
  }
  /** The series whose names begin so, once all is told. */
  function told(prefix: string): Record<string, number> {
    metrics.close();
    return Object.fromEntries([...series].filter(([name]) => name.startsWith(prefix)).toSorted());
  }
  return { metrics, run, told };
}

function fileOf(state: FinalFileState, size: number | null): Partial<FileRecord> {
  return { state, size };
}

function failWith(error: Error): () => never {
  return () => {
    throw error;
  };
}

describe("the worker's metrics", () => {
  it('count files by result, and bytes of those that were copied, once they are stored', async () => {
    const { run, told } = setUp();
    const files = [fileOf('Completed', 7), fileOf('Skipped', 5), fileOf('Failed', null), fileOf('Cancelled', null)];
    await run('saveResults', () => undefined, { files });
    await run('saveResults', failWith(new Error('not stored')), { files });
    const counts = { count: 3, completed: 3, skipped: 0, failed: 0, cancelled: 0, bytes: 2.5e9 };
    await run('copyChunk', () => ({ counts, leftovers: [], reason: '' }));
    assert.deepEqual(told('apollo_files'), {
      'apollo_files_total result=cancelled': 1,
      'apollo_files_total result=completed': 4,
      'apollo_files_total result=failed': 1,
      'apollo_files_total result=skipped': 1,
    });
    assert.deepEqual(told('apollo_bytes'), { apollo_bytes_copied_total: 2_500_000_007 });
  });

  it('count files of a pass that was lost once they are found, and not as a further pass', async () => {
    const { run, told } = setUp();
    const counts = { count: 5, completed: 3, skipped: 1, failed: 1, cancelled: 0, bytes: 21 };
    await run('findCopies', () => ({ counts, leftovers: [5, 6], reason: '' }));
    assert.deepEqual(told('apollo_files'), {
      'apollo_files_total result=cancelled': 0,
      'apollo_files_total result=completed': 3,
      'apollo_files_total result=failed': 1,
      'apollo_files_total result=skipped': 1,
    });
    assert.deepEqual(told('apollo_bytes'), { apollo_bytes_copied_total: 21 });
    assert.deepEqual(told('apollo_chunks'), { apollo_chunks_in_progress: 0 });
    assert.deepEqual(told('apollo_file_retries'), {});
  });

  it('count files that are to be tried again by a reason of the closed list', async () => {
    const { run, told } = setUp();
    const unavailable = { type: 'STORAGE_UNAVAILABLE', message: 'STORAGE_UNAVAILABLE: 503' };
    await run('copyFile', failWith(ApplicationFailure.create(unavailable)));
    await run('copyFile', failWith(ApplicationFailure.create({ ...unavailable, nonRetryable: true })));
    await run('copyFile', failWith(ApplicationFailure.create({ type: 'made up: 5e3f1f0e' })));
    const counts = { count: 0, completed: 0, skipped: 0, failed: 0, cancelled: 0, bytes: 0 };
    await run('copyChunk', () => ({ counts, leftovers: [1, 2, 3], reason: 'STORAGE_RATE_LIMITED: 429' }));
    await run('copyChunk', () => ({ counts, leftovers: [1, 2], reason: '' }));
    assert.deepEqual(told('apollo_file_retries'), {
      'apollo_file_retries_total reason=STORAGE_RATE_LIMITED': 3,
      'apollo_file_retries_total reason=STORAGE_UNAVAILABLE': 1,
      'apollo_file_retries_total reason=none': 1,
    });
  });

  it('tell how many chunks are in hand, and how passes over them ended', async () => {
    const { run, told } = setUp();
    const counts = { count: 0, completed: 0, skipped: 0, failed: 0, cancelled: 0, bytes: 0 };
    const during: Record<string, number>[] = [];
    const ended = { counts, leftovers: [], reason: '' };
    await run('copyChunk', () => {
      during.push(told('apollo_chunks_in_progress'));
      return ended;
    });
    await run('copyChunk', () => ({ ...ended, leftovers: [0], reason: 'STORAGE_UNAVAILABLE: 503' }));
    await run('copyChunk', () => ({ ...ended, leftovers: [0] }));
    await run('copyChunk', () => ({ ...ended, leftovers: [0], reason: 'STORAGE_UNAVAILABLE: 503', isOutOfTime: true }));
    await run('copyChunk', failWith(new Error('a defect')));
    await run('copyChunk', failWith(new Error('the worker ends')), {}, AbortSignal.abort());
    assert.deepEqual(during, [{ apollo_chunks_in_progress: 1 }]);
    assert.deepEqual(told('apollo_chunks'), {
      apollo_chunks_in_progress: 0,
      'apollo_chunks_total outcome=complete': 1,
      'apollo_chunks_total outcome=failed': 1,
      'apollo_chunks_total outcome=left_over': 1,
      'apollo_chunks_total outcome=out_of_time': 1,
      'apollo_chunks_total outcome=stopped': 2,
    });
  });

  it('count decided jobs by verdict', async () => {
    const { run, told } = setUp();
    await run('admitJob', () => ({ verdict: 'accepted' }));
    await run('admitJob', () => ({ verdict: 'locked' }));
    await run('admitBulk', () => ({ verdict: 'accepted' }));
    assert.deepEqual(told('apollo_admissions'), {
      'apollo_admissions_total verdict=accepted': 2,
      'apollo_admissions_total verdict=locked': 1,
    });
  });

  it('count requests to storage by operation and status, repetitions by reason, and locks by what happened', () => {
    const { metrics, told } = setUp();
    const { storage } = metrics;
    const send = (error?: unknown) => storage.sent?.({ operation: 'stat', path: '/' })?.(error);
    send();
    send(responseError(404, '', undefined));
    send(new StorageError('unavailable', 'no answer'));
    storage.repeated?.('list', responseError(429, '', undefined));
    storage.locked?.('taken');
    storage.locked?.('takenOver');
    assert.deepEqual(told('apollo_storage_requests'), {
      'apollo_storage_requests_total operation=stat status=2xx': 1,
      'apollo_storage_requests_total operation=stat status=404': 1,
      'apollo_storage_requests_total operation=stat status=none': 1,
    });
    assert.deepEqual(told('apollo_storage_retries'), {
      'apollo_storage_retries_total operation=list reason=rateLimited': 1,
    });
    assert.deepEqual(told('apollo_locks'), {
      'apollo_locks_total event=lost': 0,
      'apollo_locks_total event=refused': 0,
      'apollo_locks_total event=taken': 1,
      'apollo_locks_total event=taken_over': 1,
    });
  });

  it('tell what is in flight, what waits, and what a bucket is held to after it has refused', () => {
    const { metrics, told } = setUp();
    const lanes = new Lanes({ lanes: 2, followsGuideline: false, clock: new FakeClock() });
    const group = lanes.group({ priority: 'short' });
    const entering = Array.from({ length: 3 }, () => group.enter('images'));
    assert.deepEqual(entering.slice(0, 2), [true, true]);
    metrics.watch(lanes);
    assert.equal(told('apollo_lanes')['apollo_lanes'], 2);
    assert.deepEqual(told('apollo_rewrites'), { apollo_rewrites_in_flight: 2, apollo_rewrites_waiting: 1 });
    assert.equal(told('apollo_bucket')['apollo_bucket_writes_per_second_limit bucket=images'], 0);
    group.leave('images', responseError(429, '', undefined));
    const buckets = told('apollo_bucket');
    assert.equal(buckets['apollo_bucket_refusals_total bucket=images'], 1);
    assert.equal(buckets['apollo_bucket_writes_per_second_limit bucket=images'], 10);
  });

  it('name a hundred buckets, and count what is written beyond them as one', () => {
    const { metrics, told } = setUp();
    const lanes = new Lanes({ lanes: 200, followsGuideline: false, clock: new FakeClock() });
    const group = lanes.group({ priority: 'short' });
    const entering = Array.from({ length: 120 }, (_, index) => group.enter(`bucket-${index}`));
    assert.ok(entering.every((entered) => entered === true));
    metrics.watch(lanes);
    const writes = told('apollo_bucket_writes_total');
    assert.equal(Object.keys(writes).length, 101);
    assert.equal(writes['apollo_bucket_writes_total bucket=other'], 20);
  });
});
