import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Client } from '@temporalio/client';
import { pino } from 'pino';
import type { ListInput } from '../../../api/body/list-sink.ts';
import { RequestGivenUpError } from '../../../api/jobs/job-service.ts';
import { JobViews } from '../../../api/jobs/job-views.ts';
import { retryRequest } from '../../../api/jobs/retry-request.ts';
import { listDigest } from '../../../api/request-digest.ts';
import { DEFAULT_OPTIONS } from '../../../api/schemas/copy-options.ts';
import { requestedFile } from '../../../contract/file-records.ts';
import { CHUNK_FILES, MAX_PAGE_LIMIT } from '../../../contract/limits.ts';
import type { FileEntry } from '../../../contract/messages.ts';
import { emptyCounts, type FileState } from '../../../contract/states.ts';
import type { StorageModule } from '../../../storage/index.ts';
import type { JobRecord } from '../../../storage/job-records.ts';
import { fromLines } from '../../../storage/ndjson.ts';
import { inputsDouble } from '../support.ts';
import { makeTestStorage, type TestStorage } from '../../support/emulator.ts';
import { entry, RECEIVED_AT } from './bulk-entries.ts';

const CHUNKS = 3;

/** How the file at each place of ten ended; undefined: it has no result. */
const ENDS: (FileState | undefined)[] = [
  ...(['Failed', 'Failed', 'Cancelled', 'Failed', 'Completed', undefined, 'Failed', 'Skipped'] as const),
  ...(['Failed', 'Cancelled'] as const),
];

const endOf = (index: number) => ENDS[index % ENDS.length];

/** The record of a job of these chunks that was cancelled. */
function cancelledJob(): JobRecord {
  const correlationId = randomUUID();
  const counts = { ...emptyCounts(CHUNKS * CHUNK_FILES), pending: 0 };
  return {
    correlationId,
    chain: { namespace: 'default', firstRunId: 'run' },
    ...{ caller: 'alice', digest: '', receivedAt: RECEIVED_AT, taskQueue: 'queue', options: { overwrite: 'always' } },
    ...{ collections: [], entries: null, admission: { decision: 'accepted' } },
    bulk: { kind: 'manifest', collectionId: 'from', fileName: 'list' },
    status: {
      correlationId,
      state: 'Cancelled',
      counts,
      startedAt: RECEIVED_AT,
      endedAt: RECEIVED_AT + 1,
      message: '',
    },
  };
}

describe('the list of a retry', () => {
  let storage: TestStorage;
  let modules: StorageModule;
  let record: JobRecord;

  before(async () => {
    storage = await makeTestStorage();
    modules = storage.connect();
    record = cancelledJob();
    const { correlationId } = record;
    for (let chunk = 0; chunk < CHUNKS; chunk += 1) {
      const indices = Array.from({ length: CHUNK_FILES }, (_, at) => chunk * CHUNK_FILES + at);
      const plan = indices.map((index) => ({ ...entry(index), index }));
      await modules.chunks.writePlan(correlationId, chunk, plan);
      const results = indices.flatMap((index) => {
        const state = endOf(index);
        return state === undefined ? [] : [{ ...requestedFile(entry(index), index, RECEIVED_AT), state, size: 7 }];
      });
      await modules.chunks.writeResults(correlationId, chunk, 0, results);
    }
  });

  function viewsOf({ records, chunks }: StorageModule): JobViews {
    return new JobViews({
      client: {} as unknown as Client,
      records,
      chunks,
      taskQueue: 'queue',
      log: pino({ level: 'silent' }),
    });
  }

  /** Makes it, into inputs that do so besides. */
  function made(signal = new AbortController().signal, input: Partial<ListInput> = {}) {
    const { inputs, openInput } = inputsDouble(input);
    const { chunks, inputs: stored } = modules;
    const deps = { views: viewsOf(modules), chunks, inputs: stored, openInput: () => openInput('new'), signal };
    return { inputs, request: retryRequest(deps, record) };
  }

  it('has the files that failed and then those that were cancelled, as pages have them, and lists the chunks once for each', async () => {
    const expected: FileEntry[] = [];
    for (const state of ['Failed', 'Cancelled'] as const) {
      for (let from: number | null = 0; from !== null;) {
        const page = await viewsOf(modules).page(
          record.correlationId,
          { kind: 'ended', record },
          { state, from, limit: MAX_PAGE_LIMIT },
        );
        expected.push(...page.files.map(({ index }) => entry(index)));
        from = page.next;
      }
    }
    assert.equal(expected.length, (8 * CHUNKS * CHUNK_FILES) / ENDS.length);

    const lists = storage.proxy.requestsFromNow({ operation: 'list' });
    const { inputs, request } = made();
    const { request: list, digest } = (await request) ?? assert.fail();
    assert.equal(digest, listDigest(expected, { ...DEFAULT_OPTIONS, overwrite: 'always' }));
    assert.deepEqual(fromLines('list', inputs[0]?.text ?? ''), expected);
    assert.deepEqual(list, {
      bulk: { kind: 'stored', object: 'jobs/new/input/1.ndjson', generation: '7', count: expected.length },
      options: { ...DEFAULT_OPTIONS, overwrite: 'always' },
    });
    assert.equal(lists().length, 4, 'plan and results, twice');
  });

  it('is given up where nobody waits for it any more, and nothing of it is left', async () => {
    const gone = new AbortController();
    const inputText: string[] = [];
    const { inputs, request } = made(gone.signal, {
      write: (lines) => {
        inputText.push(lines);
        gone.abort();
        return Promise.resolve();
      },
    });
    await assert.rejects(request, RequestGivenUpError);
    assert.equal(inputText.length, 1, 'no more is stored');
    assert.deepEqual(
      inputs.map(({ end }) => end),
      ['aborted'],
    );
  });

  it('is given up where nobody waits for it by its end', async () => {
    const gone = new AbortController();
    const { inputs, request } = made(gone.signal, {
      close: () => {
        gone.abort();
        return Promise.resolve({ object: 'stored', generation: '7' });
      },
    });
    await assert.rejects(request, RequestGivenUpError);
    assert.deepEqual(
      inputs.map(({ end }) => end),
      ['aborted'],
    );
  });

  it('leaves no object where it is given up when that is stored already', async () => {
    const gone = new AbortController();
    const { correlationId } = record;
    const { chunks, inputs } = modules;
    const openInput = (): ListInput => {
      const input = inputs.create(correlationId);
      return {
        write: (lines) => input.write(lines),
        close: async () => {
          const stored = await input.close();
          gone.abort();
          return stored;
        },
        abort: () => input.abort(),
      };
    };
    const written = storage.proxy.requestsFromNow({ bucket: storage.controlBucket, name: /\/input\// });
    const deps = { views: viewsOf(modules), chunks, inputs, openInput, signal: gone.signal };
    await assert.rejects(retryRequest(deps, record), RequestGivenUpError);
    assert.equal(written().length, 2, 'stored, and deleted');
    const range = { bucket: storage.controlBucket, prefix: `jobs/${correlationId}/input/` };
    assert.deepEqual(await Array.fromAsync(modules.objects.list(range)), []);
  });
});
