import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { pino } from 'pino';
import type { FoundJob } from '../../../api/jobs/job-finder.ts';
import { JobViews } from '../../../api/jobs/job-views.ts';
import { requestedFile } from '../../../contract/file-records.ts';
import type { FileEntry, JobStatus } from '../../../contract/messages.ts';
import { emptyCounts, type FileState } from '../../../contract/states.ts';
import type { StorageModule } from '../../../storage/index.ts';
import type { JobRecord } from '../../../storage/job-records.ts';
import { makeTestStorage } from '../../support/emulator.ts';

const RECEIVED_AT = Date.parse('2026-01-02T03:04:05Z');
const ENDED_AT = RECEIVED_AT + 60_000;

const entry = (index: number): FileEntry => ({
  ...{ sourceCollectionId: 'from', destinationCollectionId: 'to' },
  ...{ fileName: `file-${index}`, destinationFileName: `file-${index}` },
});

/** A client whose workflows all answer a query with this, once what happens meanwhile is over. */
function answering(status: JobStatus, meanwhile: () => Promise<void> = () => Promise.resolve()): Client {
  const handle = { query: () => meanwhile().then(() => status) };
  const client = {
    workflow: { getHandle: () => handle },
    withDeadline: (_deadline: number, call: () => Promise<unknown>) => call(),
  };
  return client as unknown as Client;
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
function foundOpen(correlationId: string): FoundJob {
  const record: JobRecord = {
    correlationId,
    chain: { namespace: 'default', firstRunId: 'run' },
    ...{ caller: 'alice', digest: '', receivedAt: RECEIVED_AT, taskQueue: 'queue', options: { overwrite: 'always' } },
    ...{ collections: [], entries: null, admission: null },
    bulk: { kind: 'collection', sourceCollectionId: 'from', destinationCollectionId: 'to', prefix: '' },
    status: statusOf(correlationId, { state: 'Requested', endedAt: null }),
  };
  const memo = { caller: 'alice', digest: '', requested: 3, receivedAt: RECEIVED_AT };
  return { kind: 'running', record, memo, execution: {} as never, progress: [] };
}

async function planThree(chunks: StorageModule['chunks'], correlationId: string): Promise<void> {
  await chunks.writePlan(
    correlationId,
    0,
    [0, 1, 2].map((index) => ({ ...entry(index), index })),
  );
}

function viewsOf({ chunks, records }: Pick<StorageModule, 'chunks' | 'records'>, client: Client): JobViews {
  return new JobViews({ client, records, chunks, taskQueue: 'queue', log: pino({ level: 'silent' }) });
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
    const meanwhile = async () => {
      const isLookedFor = () => storage.proxy.requests({ operation: 'list' }).every(({ answeredAt }) => answeredAt);
      while (storage.proxy.requests({ operation: 'list' }).length < 2 || !isLookedFor()) await delay(5);
      await planThree(chunks, id);
    };
    const status = statusOf(id, { state: 'Processing', endedAt: null });
    const views = viewsOf({ chunks, records }, answering(status, meanwhile));
    const { files, next, totalCount } = await views.page(id, foundOpen(id), { from: 0, limit: 100 });
    assert.deepEqual([files.length, next, totalCount], [3, null, 3]);
  });
});
