import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  JobNotFoundError,
  JobNotRetryableError,
  RequestGivenUpError,
  ServiceUnavailableError,
  type CopyAnswer,
} from '../../api/jobs/job-service.ts';
import { listen } from '../../api/server.ts';
import {
  adminToken,
  assertAnswer,
  assertMistakes,
  FORBIDDEN_TEXT,
  ID,
  JOB,
  NOW,
  OTHER_ID,
  readerToken,
  setUp,
  token,
} from './support.ts';

const RETRY = `/apollo/files/copy/${ID}/retry`;
const named = { 'x-correlation-id': OTHER_ID };

describe('POST /apollo/files/copy/{correlationId}/retry', () => {
  it('is answered like a copy, under the id of the new job', async () => {
    const { post } = setUp();
    const response = await post(RETRY, undefined, named);
    assert.deepEqual(await assertAnswer(response, 200, 'Files copying completed'), {
      Result: `Please check the status of your request at statusURL: https://apollo.example.com/apollo/status/logs?correlationId=${OTHER_ID}`,
      Message: 'Number of file copy requests:7',
      CorrelationId: OTHER_ID,
    });
    assert.equal(response.headers.get('x-correlation-id'), OTHER_ID);
  });

  it('hands over which job to retry, and for whom', async () => {
    const { post, calls } = setUp();
    await post(RETRY.replace(ID, ID.toUpperCase()), undefined, {
      'x-correlation-id': OTHER_ID.toUpperCase(),
      authorization: `Bearer ${adminToken}`,
    });
    const [[method, job] = assert.fail()] = calls;
    assert.ok(method === 'retry');
    const { reading, ...handed } = job;
    assert.equal(reading.signal.aborted, false);
    assert.deepEqual(handed, {
      of: ID,
      viewer: { caller: 'root', isAdmin: true },
      correlationId: OTHER_ID,
      requestor: { caller: 'root', principals: ['root'] },
      receivedAt: NOW,
    });
  });

  it('is given up where the process is to end, and answered 503', async () => {
    const stopping = new AbortController();
    const { post } = setUp({
      stopping: stopping.signal,
      jobs: {
        retry: async ({ reading }) => {
          stopping.abort();
          await Promise.resolve();
          throw reading.signal.aborted ? new RequestGivenUpError() : new Error('nobody said so');
        },
      },
    });
    const response = await post(RETRY);
    await assertAnswer(response, 503);
    assert.ok(response.headers.has('retry-after'));
  });

  it('is given up where the client has gone', async () => {
    const asked = Promise.withResolvers<AbortSignal>();
    const held = Promise.withResolvers<CopyAnswer>();
    const { app } = setUp({
      jobs: {
        retry: ({ reading }) => {
          asked.resolve(reading.signal);
          return held.promise;
        },
      },
    });
    const listener = await listen('127.0.0.1', 0);
    listener.answer(app.fetch);
    const client = new AbortController();
    const headers = { authorization: `Bearer ${token}` };
    const answer = fetch(listener.url + RETRY, { method: 'POST', headers, signal: client.signal });
    const signal = await asked.promise;
    client.abort();
    await assert.rejects(answer);
    if (!signal.aborted) await once(signal, 'abort');
    held.reject(new RequestGivenUpError());
    await listener.close(0);
  });

  it('makes an id for the new job where none is given', async () => {
    const response = await setUp().post(RETRY);
    const data = (await assertAnswer(response, 200)) as { CorrelationId: string };
    assert.notEqual(data.CorrelationId, ID);
    assert.equal(response.headers.get('x-correlation-id'), data.CorrelationId);
  });

  it('answers 202 where the new job is not decided in time', async () => {
    const { post } = setUp({ jobs: { retry: () => Promise.resolve({ kind: 'undecided', requested: 7 }) } });
    await assertAnswer(await post(RETRY), 202, 'Files copying requested');
  });

  it('answers 403 and 423 as a copy does', async () => {
    const files = [{ collectionId: 'copies', fileName: 'a.jpg' }];
    for (const [status, admission, message, data] of [
      [403, { decision: 'forbidden', message: 'ACCESS_DENIED: copies' }, FORBIDDEN_TEXT, null],
      [423, { decision: 'locked', files }, 'File already Locked', { Files: files }],
    ] as const) {
      const answer = { kind: 'decided', requested: 7, admission: structuredClone(admission) as never } as const;
      const { post } = setUp({ jobs: { retry: () => Promise.resolve(answer) } });
      assert.deepEqual(await assertAnswer(await post(RETRY), status, message), data);
    }
  });

  for (const [problem, message] of [
    ['unsettled', 'The job has not ended, or what became of its files is still being found out'],
    ['nothing to retry', 'There is nothing to retry: no file was cancelled, or failed for a reason that may go away'],
  ] as const) {
    it(`answers 409 with the job as data where it is ${problem}`, async () => {
      const { post } = setUp({ jobs: { retry: () => Promise.reject(new JobNotRetryableError(problem, JOB)) } });
      const response = await post(RETRY, undefined, named);
      const data = (await assertAnswer(response, 409, message)) as { correlationId: string };
      assert.equal(data.correlationId, ID);
      assert.equal(response.headers.get('x-correlation-id'), OTHER_ID);
    });
  }

  it('answers 409 where the id for the new job belongs to something else', async () => {
    const { post } = setUp({ jobs: { retry: () => Promise.resolve({ kind: 'conflict' }) } });
    assert.equal(await assertAnswer(await post(RETRY, undefined, named), 409), null);
  });

  it('answers 400 to an id for the new job that is none', async () => {
    const { post, calls } = setUp();
    await assertMistakes(await post(RETRY, undefined, { 'x-correlation-id': 'x' }), [
      'x-correlation-id: must be a UUID',
    ]);
    assert.deepEqual(calls, []);
  });

  it('answers 404 to an unknown job and to what is no UUID', async () => {
    const { post, calls } = setUp({ jobs: { retry: () => Promise.reject(new JobNotFoundError('x')) } });
    await assertAnswer(await post(RETRY), 404, 'No records found');
    await assertAnswer(await post('/apollo/files/copy/x/retry'), 404, 'No records found');
    assert.equal(calls.length, 1);
  });

  it('answers 403 without apollo_write, 503 where Temporal or storage does not answer', async () => {
    const { post } = setUp({ jobs: { retry: () => Promise.reject(new ServiceUnavailableError('storage', null)) } });
    await assertAnswer(await post(RETRY, undefined, { authorization: `Bearer ${readerToken}` }), 403);
    const response = await post(RETRY);
    await assertAnswer(response, 503);
    assert.ok(response.headers.has('retry-after'));
  });
});
