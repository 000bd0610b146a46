import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { pino } from 'pino';
import { NOTHING_DESCRIBED, type DescribedProgress } from '../../../api/jobs/chunk-progress.ts';
import type { FoundJob, JobFinder } from '../../../api/jobs/job-finder.ts';
import { JobLister } from '../../../api/jobs/job-list.ts';
import { JobViews } from '../../../api/jobs/job-views.ts';
import { chunkPassId, FILES_QUERY } from '../../../contract/ids.ts';
import { requestedFile } from '../../../contract/file-records.ts';
import type { ChunkPassRef, FilesPage, JobStatus } from '../../../contract/messages.ts';
import { emptyCounts, type FileState } from '../../../contract/states.ts';
import type { StorageModule } from '../../../storage/index.ts';
import type { ResultsPart } from '../../../storage/job-chunks.ts';
import type { JobRecord } from '../../../storage/job-records.ts';
import { entry, RECEIVED_AT } from './bulk-entries.ts';
import { makeTestStorage } from '../../support/emulator.ts';
import { answerError } from '../../support/storage-proxy/index.ts';

const silent = pino({ level: 'silent' });

const ENDED_AT = RECEIVED_AT + 60_000;

/** A client whose workflows all answer a query with this, once what happens meanwhile is over. */
function answering(status: JobStatus, meanwhile: () => Promise<void> = () => Promise.resolve()): Client {
  return clientOf(() => meanwhile().then(() => status));
}

/** A client whose workflows all answer queries so. */
function clientOf(query: (name: string) => Promise<unknown>): Client {
  const handle = { query };
  return { workflow: { getHandle: () => handle }, withDeadline } as unknown as Client;
}

function withDeadline(_deadline: number, call: () => Promise<unknown>): Promise<unknown> {
  return call();
}

/** How a job of three planned files, of which one has a result, stands by its workflow. */
function statusOf(correlationId: string, changes: Pick<JobStatus, 'state' | 'endedAt'>): JobStatus {
  const isEnded = changes.endedAt !== null;
  const counts = {
    ...emptyCounts(3),
    completed: 1,
    bytes: 7,
    ...(isEnded ? { cancelled: 2, pending: 0 } : { pending: 2 }),
  };
  return { correlationId, counts, startedAt: RECEIVED_AT, message: '', ...changes };
}

/** The same job as it was found: its record read as open. */
function foundOpen(correlationId: string, progress: DescribedProgress = NOTHING_DESCRIBED): FoundJob {
  const record: JobRecord = {
    correlationId,
    chain: { namespace: 'default', firstRunId: 'run' },
    ...{ caller: 'alice', digest: '', receivedAt: RECEIVED_AT, taskQueue: 'queue', options: { overwrite: 'always' } },
    ...{ collections: [], entries: null, admission: null },
    bulk: { kind: 'collection', sourceCollectionId: 'from', destinationCollectionId: 'to', prefix: '' },
    status: statusOf(correlationId, { state: 'Requested', endedAt: null }),
  };
  const memo = { caller: 'alice', digest: '', requested: 3, receivedAt: RECEIVED_AT };
  return { kind: 'running', record, memo, execution: {} as never, progress };
}

function withoutRecord(found: FoundJob): FoundJob {
  return { ...found, record: undefined } as FoundJob;
}

async function planThree(chunks: StorageModule['chunks'], correlationId: string): Promise<void> {
  await chunks.writePlan(
    correlationId,
    0,
    [0, 1, 2].map((index) => ({ ...entry(index), index })),
  );
}

function viewsOf({ chunks, records }: Pick<StorageModule, 'chunks' | 'records'>, client: Client): JobViews {
  return new JobViews({ client, records, chunks, taskQueue: 'queue', log: silent });
}

describe('the files of a bulk job whose record was read as open', () => {
  /** The files of a state, or all, as they are told where the workflow answers so. */
  async function told(changes: Pick<JobStatus, 'state' | 'endedAt'>, state?: FileState) {
    const storage = await makeTestStorage();
    const { chunks, records } = storage.connect();
    const id = randomUUID();
    await planThree(chunks, id);
    await chunks.writeResults(id, 0, 0, [{ ...requestedFile(entry(0), 0, RECEIVED_AT), state: 'Completed', size: 7 }]);
    const views = viewsOf({ chunks, records }, answering(statusOf(id, changes)));
    return await views.page(id, foundOpen(id), { from: 0, limit: 100, ...(state && { state }) });
  }

  it('are none of them Requested where the workflow tells by now that the job has ended', async () => {
    const ended = { state: 'Cancelled', endedAt: ENDED_AT } as const;
    const { files, job } = await told(ended);
    assert.deepEqual([job.state, job.counts.pending], ['Cancelled', 0]);
    assert.deepEqual(
      files.map(({ state, history }) => [state, history.at(-1)?.at]),
      [
        ['Completed', RECEIVED_AT],
        ['Cancelled', ENDED_AT],
        ['Cancelled', ENDED_AT],
      ],
    );
    const [requested, cancelled] = [await told(ended, 'Requested'), await told(ended, 'Cancelled')];
    assert.deepEqual([requested.files, requested.totalCount], [[], 0]);
    assert.deepEqual([cancelled.files.length, cancelled.totalCount], [2, 2]);
  });

  it('are Requested where they have no result and the job goes on', async () => {
    const { files, job } = await told({ state: 'Cancelling', endedAt: null });
    assert.equal(job.counts.pending, 2);
    assert.deepEqual(
      files.map(({ state }) => state),
      ['Completed', 'Requested', 'Requested'],
    );
  });

  it('are not fewer than the workflow counts, where it was asked while they were planned', async () => {
    const storage = await makeTestStorage();
    const { chunks, records } = storage.connect();
    const id = randomUUID();
    const listings = storage.proxy.requestsFromNow({ operation: 'list' });
    const meanwhile = async () => {
      const isLookedFor = () => listings().every(({ answeredAt }) => answeredAt);
      while (listings().length < 2 || !isLookedFor()) await delay(5);
      await planThree(chunks, id);
    };
    const status = statusOf(id, { state: 'Processing', endedAt: null });
    const views = viewsOf({ chunks, records }, answering(status, meanwhile));
    const { files, next, totalCount } = await views.page(id, foundOpen(id), { from: 0, limit: 100 });
    assert.deepEqual([files.length, next, totalCount], [3, null, 3]);
  });

  it('are told of where the job was looked for before it had a record, and asked when it has one', async () => {
    const { chunks, records } = (await makeTestStorage()).connect();
    const id = randomUUID();
    const found = foundOpen(id);
    await planThree(chunks, id);
    await records.create(found.record ?? assert.fail());
    const status = statusOf(id, { state: 'Processing', endedAt: null });
    const nothing: FilesPage = { files: [], next: null, totalCount: 0, collections: [], status };
    const client = clientOf((query) => Promise.resolve(query === FILES_QUERY ? nothing : status));
    const page = { from: 0, limit: 100 };
    const { files, totalCount } = await viewsOf({ chunks, records }, client).page(id, withoutRecord(found), page);
    assert.deepEqual([files.length, totalCount], [3, 3]);
  });
});

describe('the files of a bulk job that gave up some of them', () => {
  it('are as many of each state as it counts', async () => {
    const { chunks, records } = (await makeTestStorage()).connect();
    const id = randomUUID();
    await planThree(chunks, id);
    await chunks.writeResults(id, 0, 0, [{ ...requestedFile(entry(0), 0, RECEIVED_AT), state: 'Completed', size: 7 }]);
    const { record } = foundOpen(id);
    const counts = { ...emptyCounts(3), completed: 1, failed: 2, pending: 0, bytes: 7 };
    const message = 'STORAGE_UNAVAILABLE: Cloud Storage answered: 503';
    const end = { state: 'CompletedWithErrors', endedAt: ENDED_AT, counts, message } as const;
    const status: JobStatus = { ...statusOf(id, end), ...end };
    const found: FoundJob = { kind: 'ended', record: { ...(record ?? assert.fail()), status } };
    const views = viewsOf({ chunks, records }, {} as unknown as Client);
    const page = async (state?: FileState) =>
      await views.page(id, found, { from: 0, limit: 100, ...(state && { state }) });
    const all = await page();
    assert.deepEqual(
      all.files.map(({ state, message }) => [state, message]),
      [
        ['Completed', ''],
        ['Failed', message],
        ['Failed', message],
      ],
    );
    const [failed, cancelled] = [await page('Failed'), await page('Cancelled')];
    assert.deepEqual([failed.files, failed.totalCount], [all.files.slice(1), 2]);
    assert.deepEqual([cancelled.files, cancelled.totalCount], [[], 0]);
    assert.deepEqual((await Array.fromAsync(views.files(found.record, 'Failed'))).flat(), failed.files);
  });
});

describe('how a running bulk job stands, as its workflow is described', () => {
  const nobodyAnswers = answering({} as JobStatus, () => Promise.reject(new Error('the workflow is asked')));
  const id = randomUUID();
  const first: ChunkPassRef = { chunk: 0, part: 0 };
  const second: ChunkPassRef = { chunk: 1, part: 1 };
  const live = {
    ...statusOf(id, { state: 'Processing', endedAt: null }),
    counts: { ...emptyCounts(30), completed: 10, pending: 20, bytes: 70 },
    isCounted: true,
  };
  /** What a pass tells that has copied so many files of 7 bytes. */
  const told = (pass: ChunkPassRef, completed: number) => ({
    ...{ ...pass, count: completed, completed, skipped: 0, failed: 0, cancelled: 0, bytes: 7 * completed },
  });
  const results = (from: number, count: number) =>
    Array.from({ length: count }, (_, at) => ({
      ...requestedFile(entry(from + at), from + at, RECEIVED_AT),
      ...{ state: 'Completed' as const, size: 7 },
    }));

  async function standing(
    progress: Partial<DescribedProgress>,
    prepare: (storage: Pick<StorageModule, 'chunks'>) => Promise<unknown> = () => Promise.resolve(),
  ) {
    const storage = await makeTestStorage();
    const { chunks, records } = storage.connect();
    await prepare({ chunks });
    const requests = storage.proxy.requestsFromNow();
    const views = viewsOf({ chunks, records }, nobodyAnswers);
    const found = foundOpen(id, { ...NOTHING_DESCRIBED, live, ...progress });
    const { status, requested } = await views.count(id, found);
    return { ...status, requested, operations: requests().map(({ operation }) => operation) };
  }

  /** Passes that the job told of, those of them that are under way, and what these tell. */
  const passes = (underWay: ChunkPassRef[], pending: ChunkPassRef[], tells: ResultsPart[] = []) => ({
    ...{ live: { ...live, underWay }, pending: new Set(pending.map(chunkPassId)), told: tells },
  });

  it('is what it told, and what its passes have done since, without a request', async () => {
    const { counts, requested, operations } = await standing(
      passes([first, second], [first, second], [told(first, 4)]),
    );
    assert.deepEqual(counts, { ...live.counts, completed: 14, pending: 16, bytes: 98 });
    assert.equal(requested, 30);
    assert.deepEqual(operations, []);
  });

  it('has the results of passes that have ended since, which the workflow has not heard of', async () => {
    const { counts, operations } = await standing(
      passes([first, second], [first], [told(first, 4)]),
      async ({ chunks }) => {
        await chunks.writeResults(id, 1, 0, results(10, 1));
        await chunks.writeResults(id, 1, 1, results(11, 9));
      },
    );
    assert.deepEqual(counts, { ...live.counts, completed: 23, pending: 7, bytes: 161 });
    assert.deepEqual(operations, ['list']);
  });

  it('has them of those alone: what a pass has stored that has not ended is in no later answer before its end', async () => {
    const store = async ({ chunks }: Pick<StorageModule, 'chunks'>) => {
      await chunks.writeResults(id, 0, 0, results(0, 10));
      await chunks.writeResults(id, 1, 1, results(11, 9));
    };
    const { counts } = await standing(passes([first, second], [first]), store);
    assert.deepEqual(counts, { ...live.counts, completed: 19, pending: 11, bytes: 133 });
    const told4 = await standing(passes([first, second], [first], [told(first, 4)]), store);
    assert.deepEqual(told4.counts, { ...live.counts, completed: 23, pending: 7, bytes: 161 });
  });

  it('has those of a pass that nobody can say of what it did, before it is made again and while it is', async () => {
    const uncertain = { ...first, isUncertain: true };
    const store = ({ chunks }: Pick<StorageModule, 'chunks'>) => chunks.writeResults(id, 0, 0, results(0, 10));
    for (const pending of [[], [first]]) {
      const { counts } = await standing(passes([uncertain], pending, [told(first, 2)].slice(0, pending.length)), store);
      assert.deepEqual(counts, { ...live.counts, completed: 20, pending: 10, bytes: 140 });
    }
  });

  it('lists chunks that are far apart one by one', async () => {
    const far = { chunk: 999_999, part: 0 };
    const { counts, operations } = await standing(passes([first, second, far], []), async ({ chunks }) => {
      for (const { chunk, part } of [first, second, far]) await chunks.writeResults(id, chunk, part, results(chunk, 1));
    });
    assert.deepEqual(counts, { ...live.counts, completed: 13, pending: 17, bytes: 91 });
    assert.deepEqual(operations, ['list', 'list']);
  });

  it('is asked of the workflow where the results cannot be listed, and told without them', async () => {
    const storage = await makeTestStorage();
    storage.proxy.inject({ operation: 'list' }, answerError(403));
    const { underWay } = passes([first], []).live;
    const asked = { ...live, underWay };
    const views = viewsOf(storage.connect(), answering(asked));
    try {
      const { counts } = await views.status(id, foundOpen(id, { ...NOTHING_DESCRIBED, live: { ...live, underWay } }));
      assert.deepEqual(counts, live.counts);
    } finally {
      storage.proxy.removeFaults();
    }
  });

  it('has nothing of a pass that has ended without results', async () => {
    const { counts } = await standing(passes([first], []));
    assert.deepEqual(counts, live.counts);
  });

  it('does not count twice what a pass told of, whose results the job has', async () => {
    const { counts } = await standing(passes([second], [second], [told(first, 10)]));
    assert.deepEqual(counts, live.counts);
  });

  it('may have more files while they are listed', async () => {
    assert.equal((await standing({ live: { ...live, isCounted: false } })).requested, null);
  });

  it('is asked of the workflow where that has told nothing yet', async () => {
    const storage = await makeTestStorage();
    const status = statusOf(id, { state: 'Requested', endedAt: null });
    const views = viewsOf(storage.connect(), answering(status));
    assert.deepEqual(await views.status(id, foundOpen(id)), status);
  });
});

describe('jobs that no worker answers for', () => {
  /** Lists of so many jobs, of which there is no record yet, and how many queries were made for one. */
  async function unanswered(jobs: number) {
    let queries = 0;
    const asked = clientOf(() => {
      queries += 1;
      return Promise.reject(new Error('no worker answers'));
    });
    const views = viewsOf((await makeTestStorage()).connect(), asked);
    const found = withoutRecord(foundOpen(randomUUID()));
    const execution = { typedSearchAttributes: { get: () => undefined } };
    const finder = { fromList: () => Promise.resolve({ ...found, execution }) } as unknown as JobFinder;
    const listing = () =>
      Array.from({ length: jobs }, () => ({ workflowId: randomUUID(), startTime: new Date(), raw: {} }));
    const workflow = { count: () => Promise.resolve({ count: jobs }), list: () => ReadableStream.from(listing()) };
    const lister = new JobLister({ withDeadline, workflow } as unknown as Client, finder, views, silent);
    const list = async () => {
      queries = 0;
      const { jobs: told } = await lister.list({}, { limit: jobs });
      return { told: told.map(({ state }) => state), queries };
    };
    return { list, views, found: { ...found, execution } as unknown as FoundJob, queries: () => queries };
  }

  it('are told from their records where they are listed, after a few queries', async () => {
    const { list } = await unanswered(100);
    const { told, queries } = await list();
    assert.deepEqual(
      told,
      Array.from({ length: 100 }, () => 'Requested'),
    );
    assert.ok(queries >= 3 && queries <= 16, `${queries} queries, where 16 are under way at a time`);
  });

  it('say nothing about those of another list', async () => {
    const { list } = await unanswered(1);
    for (let round = 0; round < 5; round += 1) assert.equal((await list()).queries, 1);
  });

  it('say nothing about one that is looked at by itself, nor does that about others', async () => {
    const { list, views, found, queries } = await unanswered(3);
    await list();
    for (let round = 4; round < 10; round += 1) {
      await views.status(randomUUID(), found);
      assert.equal(queries(), round);
    }
  });
});
