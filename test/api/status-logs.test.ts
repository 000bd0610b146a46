import assert from 'node:assert/strict';
import { JobNotFoundError, ServiceUnavailableError } from '../../api/jobs/job-service.ts';
import type { JobStatus } from '../../contract/messages.ts';
import { encodeContinuationToken } from '../../api/views/continuation-token.ts';
import { adminToken, assertAnswer, assertMistakes, file, ID, JOB, NOW, OTHER_ID, page, setUp } from './support.ts';

const LOGS = `/apollo/status/logs?correlationId=${ID}`;

describe('GET /apollo/status/logs', () => {
  it('answers one record for each file, with paging and job beside them, every field as documented', async () => {
    const response = await setUp({ jobs: { page: () => Promise.resolve(page([file(0)])) } }).get(LOGS);
    assert.equal(response.status, 200);
    assert.equal(response.headers.get('x-correlation-id'), ID);
    assert.deepEqual(await response.json(), {
      status: { message: 'Status logs', code: '200' },
      data: [
        {
          id: `${ID}-0000000`,
          correlationId: ID,
          transactionId: ID,
          messageType: 'Request',
          requestAction: 'Copy',
          requestObject: 'File',
          state: 'Completed',
          retryCount: 1,
          message: '',
          enqueuedTimestamp: '2026-03-02T09:15:00.020+00:00',
          receivedTimestamp: '2026-03-02T09:15:00.160+00:00',
          unixEnqueuedTimestamp: NOW - 100,
          unixReceievedTimestamp: NOW + 40,
          sender: 'alice',
          recipient: 'copies',
          timeout: 0,
          topic: 'apollo-copy',
          payload: {
            sourceCollectionId: 'originals',
            destinationCollectionId: 'copies',
            fileName: 'file-0.jpg',
            destinationFileName: 'copy-0.jpg',
            size: 48100,
            crc32c: 'yZRlqg==',
            generation: '22',
          },
          serviceData: {
            erCollectionId: 'copies',
            entityId: 'bucket-b/copy-0.jpg/22',
            relationshipId: 'bucket-a/in/file-0.jpg/11',
          },
          stateHistory: [
            { timestamp: '2026-03-02T09:15:00.120+00:00', unixTimestamp: NOW, state: 'Requested' },
            { timestamp: '2026-03-02T09:15:00.160+00:00', unixTimestamp: NOW + 40, state: 'Processing' },
            { timestamp: '2026-03-02T09:15:00.310+00:00', unixTimestamp: NOW + 190, state: 'Completed' },
          ],
        },
      ],
      paging: { totalCount: 1, continuationToken: null },
      job: {
        correlationId: ID,
        state: 'Processing',
        counts: { requested: 2, completed: 1, skipped: 0, failed: 0, cancelled: 0, pending: 1, bytes: 48100 },
        startedAt: '2026-03-02T09:15:00.120+00:00',
        endedAt: null,
        message: '',
      },
    });
  });

  it('leaves null or empty what is not known of a file yet', async () => {
    const waiting = file(12, {
      state: 'Requested',
      retryCount: 0,
      size: null,
      crc32c: null,
      generation: null,
      sourceGeneration: null,
      history: [{ state: 'Requested', at: NOW }],
    });
    const data = await assertAnswer(
      await setUp({ jobs: { page: () => Promise.resolve(page([waiting])) } }).get(LOGS),
      200,
    );
    const [record] = data as Record<string, unknown>[];
    assert.equal(record?.id, `${ID}-0000012`);
    assert.equal(record.receivedTimestamp, null);
    assert.equal(record.unixReceievedTimestamp, null);
    assert.deepEqual(record.serviceData, { erCollectionId: 'copies', entityId: '', relationshipId: '' });
    const payload = record.payload as Record<string, unknown>;
    assert.deepEqual([payload.size, payload.crc32c, payload.generation], [null, null, null]);
  });

  it('answers a job without records with none, and with its job', async () => {
    const job = { ...JOB, state: 'Rejected' as const, message: 'FILE_LOCKED: a.jpg is locked' };
    const empty = page([], { job, collections: [] });
    const response = await setUp({ jobs: { page: () => Promise.resolve(empty) } }).get(LOGS);
    assert.deepEqual(await assertAnswer(response, 200), []);
    const body = (await response.json()) as { job: Record<string, unknown>; paging: object };
    assert.deepEqual(body.paging, { totalCount: 0, continuationToken: null });
    assert.equal(body.job.message, 'FILE_LOCKED: a.jpg is locked');
  });

  it('tells of a job that found nothing that there was nothing to copy', async () => {
    const counts = { ...JOB.counts, requested: 0, completed: 0, pending: 0, bytes: 0 };
    const job = { ...JOB, state: 'Completed' as const, counts };
    const answer = async (found: JobStatus) => {
      const jobs = { page: () => Promise.resolve(page([], { job: found })) };
      return ((await (await setUp({ jobs }).get(LOGS)).json()) as { job: { message: string } }).job.message;
    };
    assert.equal(await answer(job), 'NOTHING_TO_COPY: no file has that prefix, or the list is empty');
    assert.equal(await answer({ ...job, state: 'Processing' }), '', 'not before its end');
    assert.equal(await answer({ ...job, counts: { ...counts, requested: 1, skipped: 1 } }), '');
  });

  it('asks for the first 100 files where nothing is said, as the caller', async () => {
    const { get, calls } = setUp();
    await get(`/apollo/status/logs?correlationId=${ID.toUpperCase()}`);
    assert.deepEqual(calls, [['page', ID, { caller: 'alice', isAdmin: false }, { from: 0, limit: 100 }]]);
  });

  it('asks as an administrator with apollo_admin', async () => {
    const { get, calls } = setUp();
    await get(LOGS, { authorization: `Bearer ${adminToken}` });
    assert.deepEqual(calls[0]?.[2], { caller: 'root', isAdmin: true });
  });

  it('passes on limit, state and the collection of the ercollectionid header', async () => {
    const { get, calls } = setUp();
    await get(`${LOGS}&limit=1000&state=Failed`, { ErCollectionId: 'copies' });
    assert.deepEqual(calls[0]?.[3], { from: 0, limit: 1000, state: 'Failed', collectionId: 'copies' });
  });

  it('reads an ercollectionid header in UTF-8, as Node hands it over, and takes an empty one as none', async () => {
    const { get, calls } = setUp();
    await get(LOGS, { ercollectionid: Buffer.from('façade').toString('latin1') });
    await get(LOGS, { ercollectionid: Buffer.from('façade', 'latin1').toString('latin1') });
    await get(LOGS, { ercollectionid: '' });
    assert.deepEqual(
      calls.map(([, , , request]) => (request as { collectionId?: string }).collectionId),
      ['façade', 'façade', undefined],
    );
  });

  it('goes on with the token it gave, to the end', async () => {
    const files = [file(0), file(1), file(2)];
    const { get, calls } = setUp({
      jobs: {
        page: (_id, _viewer, { from, limit }) =>
          Promise.resolve(
            page(files.slice(from, from + limit), { totalCount: 3, next: from + limit < 3 ? from + limit : null }),
          ),
      },
    });
    const seen: unknown[] = [];
    let continuationToken: string | null = '';
    while (continuationToken !== null) {
      const response = await get(`${LOGS}&limit=2${continuationToken && `&continuationToken=${continuationToken}`}`);
      const body = (await response.json()) as {
        data: { id: string }[];
        paging: { totalCount: number; continuationToken: string | null };
      };
      assert.equal(body.paging.totalCount, 3);
      seen.push(...body.data.map(({ id }) => id));
      continuationToken = body.paging.continuationToken;
    }
    assert.deepEqual(seen, [`${ID}-0000000`, `${ID}-0000001`, `${ID}-0000002`]);
    assert.deepEqual(
      calls.map(([, , , request]) => request),
      [
        { from: 0, limit: 2 },
        { from: 2, limit: 2 },
      ],
    );
  });

  it('answers 400 with the documented text, two spaces included, where no correlation id is given', async () => {
    const { get, calls } = setUp();
    for (const path of ['/apollo/status/logs', '/apollo/status/logs?correlationId=']) {
      await assertMistakes(await get(path), ['correlationId: is required'], 'You must specify a  co-relation Id');
    }
    assert.deepEqual(calls, []);
  });

  const limitRule = 'limit: must be a whole number from 1 to 1000, given once';
  const tokenRule = 'continuationToken: must be the token of an earlier page of this job';
  for (const [query, mistake] of [
    ['limit=0', limitRule],
    ['limit=1001', limitRule],
    ['limit=-1', limitRule],
    ['limit=1.5', limitRule],
    ['limit=1e2', limitRule],
    ['limit=%201', limitRule],
    ['limit=', limitRule],
    ['limit=ten', limitRule],
    ['limit=1&limit=2', limitRule],
    [
      'state=completed',
      'state: must be one of Requested, Processing, Completed, Skipped, Failed, Cancelled, given once',
    ],
    ['continuationToken=', tokenRule],
    ['continuationToken=100', tokenRule],
    [`continuationToken=${encodeContinuationToken(OTHER_ID, 1)}`, tokenRule],
    [`continuationToken=${encodeContinuationToken(ID, 1)}%0A`, tokenRule],
  ] as const) {
    it(`answers 400 to ${query}`, async () => {
      const { get, calls } = setUp();
      await assertMistakes(await get(`${LOGS}&${query}`), [mistake]);
      assert.deepEqual(calls, []);
    });
  }

  it('lists all mistakes of a query', async () => {
    await assertMistakes(
      await setUp().get('/apollo/status/logs?limit=x&state=y'),
      [
        'correlationId: is required',
        limitRule,
        'state: must be one of Requested, Processing, Completed, Skipped, Failed, Cancelled, given once',
      ],
      'You must specify a  co-relation Id',
    );
  });

  it('answers 404 to an unknown job and to what is no UUID alike', async () => {
    const { get, calls } = setUp({ jobs: { page: () => Promise.reject(new JobNotFoundError('x')) } });
    const unknown = await get(LOGS);
    assert.equal(await assertAnswer(unknown, 404, 'No records found'), null);
    assert.equal(unknown.headers.get('x-correlation-id'), ID);
    const noId = await get('/apollo/status/logs?correlationId=../x');
    assert.equal(await noId.text(), await unknown.text());
    assert.equal(calls.length, 1, 'what is no UUID is not looked for');
  });

  it('answers 503 with Retry-After where nobody can say', async () => {
    const { get } = setUp({ jobs: { page: () => Promise.reject(new ServiceUnavailableError('temporal', null)) } });
    const response = await get(LOGS);
    assert.equal(await assertAnswer(response, 503), null);
    assert.ok(response.headers.has('retry-after'));
    assert.equal(response.headers.get('x-correlation-id'), ID);
  });
});
