import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { JobNotRetryableError, type NewJob, type RetryJob } from '../../../api/jobs/job-service.ts';
import { sourceDigest, type NamedSource } from '../../../api/request-digest.ts';
import { DEFAULT_OPTIONS } from '../../../api/schemas/copy-options.ts';
import type { BulkSource } from '../../../contract/messages.ts';
import { answerError, holdBefore, inPagesOf } from '../../support/storage-proxy/index.ts';
import type { StorageRequest } from '../../support/storage-proxy/storage-request.ts';
import { until } from '../../stack/support/until.ts';
import { newJob, unbounded, withJobs, type JobsWorld } from './support.ts';

const alice = { caller: 'alice', isAdmin: false };
const patience = { forMs: 60_000, signal: new AbortController().signal };

const ALL: NamedSource = {
  kind: 'collection',
  sourceCollectionId: 'originals',
  destinationCollectionId: 'copies',
  prefix: '',
};

const NAMES = ['a', 'b', 'c', 'd', 'e', 'f'];

function bulkJob(bulk: NamedSource = ALL): NewJob {
  const options = { ...DEFAULT_OPTIONS };
  return newJob([], { request: { bulk, options }, digest: sourceDigest(bulk, options) });
}

function retryOf(of: string): RetryJob {
  const { correlationId, requestor, receivedAt } = newJob([]);
  return { of, viewer: alice, correlationId, requestor, receivedAt, reading: unbounded };
}

/** Puts files, of which listings give two a page. */
async function put({ storage }: JobsWorld, names: readonly string[] = NAMES): Promise<void> {
  for (const name of names) await storage.emulator.putObject(storage.sourceBucket, name, `content of ${name}`);
  storage.proxy.inject({ operation: 'list', bucket: storage.sourceBucket }, inPagesOf(2));
}

/** The requests for what is behind the first page of the source. */
const laterPages =
  ({ storage }: JobsWorld) =>
  ({ operation, bucket, query }: Pick<StorageRequest, 'operation' | 'bucket' | 'query'>) =>
    operation === 'list' && bucket === storage.sourceBucket && query['pageToken'] !== undefined;

async function ended({ jobs }: JobsWorld, id: string) {
  const isEnded = async () => {
    const status = await jobs.status(id, alice);
    return status.endedAt !== null && status;
  };
  return await until(`the end of ${id}`, isEnded, { within: 30_000 });
}

const writes = ({ storage }: JobsWorld, names: readonly string[] = NAMES) =>
  names.map((name) => storage.proxy.writes(storage.destinationBucket, name));

/** Begins a job of which two files are copied and the rest is about to be listed; cuts it short, and gives its end. */
async function cutShort(world: JobsWorld, end: (id: string) => Promise<unknown>, job = bulkJob()) {
  const { proxy } = world.storage;
  const hold = holdBefore();
  const rule = proxy.inject(laterPages(world), hold);
  await world.jobs.copy(job);
  await hold.reached;
  const isCopied = async () => (await world.jobs.status(job.correlationId, alice)).counts.completed === 2;
  await until('the first two are copied', isCopied);
  await end(job.correlationId);
  const status = await ended(world, job.correlationId);
  // No sooner: an attempt that goes on may list all of it before it hears that it need not.
  hold.release();
  rule.remove();
  return status;
}

/** Retries the job, and gives the end of the retry and the names of its files. */
async function retried(world: JobsWorld, of: string) {
  const retry = retryOf(of);
  const answer = await world.jobs.retry(retry, patience);
  assert.ok(answer.kind === 'decided');
  assert.deepEqual(answer.admission, { decision: 'accepted' });
  const { files } = await world.jobs.page(retry.correlationId, alice, { from: 0, limit: 100 });
  return { retry, answer, job: await ended(world, retry.correlationId), names: files.map(({ fileName }) => fileName) };
}

describe('a retry of a prefix that was not listed to its end', function () {
  this.timeout(60_000);

  const withBulkJobs = (use: (world: JobsWorld) => Promise<void>) => withJobs(use, { bulk: true });

  it('copies the rest where the job was cancelled; again with the same id it is the same job', async () => {
    await withBulkJobs(async (world) => {
      await put(world);
      const end = await cutShort(world, (id) => world.jobs.control(id, alice, 'cancel'));
      assert.deepEqual([end.state, end.counts.completed], ['Cancelled', 2]);
      const { retry, answer, job, names } = await retried(world, end.correlationId);
      assert.deepEqual([job.state, job.counts.completed, job.counts.requested], ['Completed', 4, 4]);
      assert.deepEqual(names, NAMES.slice(2));
      assert.deepEqual(
        writes(world),
        NAMES.map(() => 1),
      );
      assert.deepEqual(await world.jobs.retry(retry, patience), answer);
      await assert.rejects(world.jobs.retry(retryOf(retry.correlationId)), JobNotRetryableError);
    });
  });

  it('copies the rest where the job was terminated, whose status says that there is one', async () => {
    await withBulkJobs(async (world) => {
      await put(world);
      const end = await cutShort(world, (id) => world.client.workflow.getHandle(id).terminate('by a test'));
      assert.equal(end.state, 'Terminated');
      assert.match(end.message, /^TERMINATED: .* before all files under the prefix were listed$/);
      const { job, names } = await retried(world, end.correlationId);
      assert.equal(job.state, 'Completed');
      assert.deepEqual(names, NAMES.slice(2));
      assert.deepEqual(
        writes(world),
        NAMES.map(() => 1),
      );
    });
  });

  it('copies the rest where it could not be listed, and what had failed by then before that', async () => {
    await withBulkJobs(async (world) => {
      await put(world);
      const { proxy, destinationBucket } = world.storage;
      const refused = proxy.inject(laterPages(world), answerError(403));
      const failing = proxy.inject({ operation: 'rewrite', bucket: destinationBucket, name: 'b' }, answerError(403));
      const first = bulkJob();
      await world.jobs.copy(first);
      const end = await ended(world, first.correlationId);
      refused.remove();
      failing.remove();
      assert.deepEqual([end.state, end.counts.completed, end.counts.failed], ['CompletedWithErrors', 1, 1]);
      const { job, names } = await retried(world, first.correlationId);
      assert.deepEqual([job.state, job.counts.completed], ['Completed', 5]);
      assert.deepEqual(names, ['b', 'c', 'd', 'e', 'f']);
      assert.equal(proxy.writes(destinationBucket, 'a'), 1);
    });
  });

  it('copies all of it where nothing could be listed', async () => {
    await withBulkJobs(async (world) => {
      await put(world);
      const refused = world.storage.proxy.inject(
        { operation: 'list', bucket: world.storage.sourceBucket },
        answerError(403),
      );
      const first = bulkJob();
      await world.jobs.copy(first);
      assert.equal((await ended(world, first.correlationId)).state, 'Failed');
      refused.remove();
      assert.deepEqual((await retried(world, first.correlationId)).names, NAMES);
    });
  });

  it('that is cut short itself leaves nothing out to the next one', async () => {
    await withBulkJobs(async (world) => {
      await put(world, [...NAMES, 'g', 'h']);
      const { proxy, destinationBucket } = world.storage;
      const failing = proxy.inject({ operation: 'rewrite', bucket: destinationBucket, name: 'a' }, answerError(403));
      const refused = proxy.inject(laterPages(world), answerError(403));
      const first = bulkJob();
      await world.jobs.copy(first);
      await ended(world, first.correlationId);
      const second = await retried(world, first.correlationId);
      assert.deepEqual(second.names, ['a', 'c'], 'what failed, and one page, which begins with what was listed');
      refused.remove();
      failing.remove();
      const third = await retried(world, second.retry.correlationId);
      assert.deepEqual([third.job.state, third.names], ['Completed', ['a', 'd', 'e', 'f', 'g', 'h']]);
    });
  });

  it('has nothing to do where the job was terminated when all was listed, and copied', async () => {
    await withBulkJobs(async (world) => {
      await put(world, ['a', 'b']);
      const { proxy, controlBucket } = world.storage;
      const job = bulkJob();
      const hold = holdBefore();
      proxy.inject({ operation: 'delete', bucket: controlBucket, name: /^locks\// }, hold, { times: 1 });
      await world.jobs.copy(job);
      await hold.reached;
      await world.client.workflow.getHandle(job.correlationId).terminate('by a test');
      const end = await ended(world, job.correlationId);
      hold.release();
      assert.equal(end.message, 'TERMINATED: the job was ended by force in Temporal');
      await assert.rejects(world.jobs.retry(retryOf(job.correlationId)), JobNotRetryableError);
    });
  });
});

describe('a retry of a job that was terminated, or cancelled, while its list was read', function () {
  this.timeout(60_000);

  const LINES = NAMES.map((fileName) => ({
    ...{ sourceCollectionId: 'originals', destinationCollectionId: 'copies' },
    ...{ fileName, destinationFileName: fileName },
  }));

  type End = 'Terminated' | 'Cancelled';

  /** Has the job of this source ended while it reads, and retries it. */
  async function readAgain(world: JobsWorld, job: NewJob, name: string, by: End, read = NAMES) {
    await put(world);
    const hold = holdBefore();
    const rule = world.storage.proxy.inject(({ operation, name: read }) => operation === 'read' && read === name, hold);
    void world.jobs.copy(job).catch(() => undefined);
    await hold.reached;
    if (by === 'Terminated') await world.client.workflow.getHandle(job.correlationId).terminate('by a test');
    else await world.jobs.control(job.correlationId, alice, 'cancel');
    const end = await ended(world, job.correlationId);
    hold.release();
    rule.remove();
    assert.deepEqual([end.state, end.counts.requested], [by, 0]);
    const { job: again, names } = await retried(world, job.correlationId);
    assert.deepEqual([again.state, names], ['Completed', read]);
  }

  /** A job of a list that came with its request. */
  async function listJob({ storage }: JobsWorld) {
    const correlationId = randomUUID();
    const input = storage.connect().inputs.create(correlationId);
    await input.write(LINES.map((line) => `${JSON.stringify(line)}\n`).join(''));
    const list = { ...(await input.close()), count: LINES.length };
    const of = (bulk: BulkSource) =>
      newJob([], { correlationId, request: { bulk, options: { ...DEFAULT_OPTIONS } }, digest: 'd' });
    return { list, of };
  }

  for (const by of ['Terminated', 'Cancelled'] as const) {
    it(`reads a manifest again (${by})`, async () => {
      await withJobs(
        async (world) => {
          const { emulator, sourceBucket } = world.storage;
          await emulator.putObject(sourceBucket, 'list.ndjson', LINES.map((line) => JSON.stringify(line)).join('\n'));
          const job = bulkJob({ kind: 'manifest', collectionId: 'originals', fileName: 'list.ndjson' });
          await readAgain(world, job, 'list.ndjson', by);
        },
        { bulk: true },
      );
    });

    it(`has the whole list again that came with the request (${by})`, async () => {
      await withJobs(
        async (world) => {
          const { list, of } = await listJob(world);
          await readAgain(world, of({ kind: 'stored', ...list }), list.object, by);
        },
        { bulk: true },
      );
    });

    it(`has the list again that goes before the rest of a prefix, and the rest (${by})`, async () => {
      await withJobs(
        async (world) => {
          const { list, of } = await listJob(world);
          const job = of({ ...ALL, rest: { after: 'd', again: list } });
          await readAgain(world, job, list.object, by, [...NAMES, 'e', 'f']);
        },
        { bulk: true },
      );
    });
  }
});
