import assert from 'node:assert/strict';
import { JobEndedError, JobNotFoundError, ServiceUnavailableError } from '../../api/jobs/job-service.ts';
import type { JobState } from '../../contract/states.ts';
import { jobMessage } from '../../api/views/job-view.ts';
import { adminToken, assertAnswer, ID, JOB, NOW, setUp } from './support.ts';

const CANCEL = `/apollo/files/copy/${ID}/cancel`;

describe('POST /apollo/files/copy/{correlationId}/cancel', () => {
  it('answers the state of the job after the signal', async () => {
    const { post, calls } = setUp();
    const response = await post(CANCEL);
    assert.deepEqual(await assertAnswer(response, 200, 'Job cancelling'), {
      correlationId: ID,
      state: 'Cancelling',
      counts: { requested: 2, completed: 1, skipped: 0, failed: 0, cancelled: 0, pending: 1, bytes: 48100 },
      startedAt: '2026-03-02T09:15:00.120+00:00',
      endedAt: null,
      message: '',
    });
    assert.equal(response.headers.get('x-correlation-id'), ID);
    assert.deepEqual(calls, [['cancel', ID, { caller: 'alice', isAdmin: false }]]);
  });

  it('is for administrators too', async () => {
    const { post, calls } = setUp();
    await post(CANCEL, undefined, { authorization: `Bearer ${adminToken}` });
    assert.deepEqual(calls[0]?.[2], { caller: 'root', isAdmin: true });
  });

  it('answers 409 with the job as data where it has ended', async () => {
    const ended = { ...JOB, state: 'CompletedWithErrors' as const, endedAt: NOW + 500 };
    const { post } = setUp({ jobs: { cancel: () => Promise.reject(new JobEndedError(ended)) } });
    const data = await assertAnswer(await post(CANCEL), 409, 'The job has ended');
    assert.equal((data as Record<string, unknown>).state, 'CompletedWithErrors');
    assert.equal((data as Record<string, unknown>).endedAt, '2026-03-02T09:15:00.620+00:00');
  });

  it('answers 404 to an unknown job and to what is no UUID', async () => {
    const { post, calls } = setUp({ jobs: { cancel: () => Promise.reject(new JobNotFoundError('x')) } });
    assert.equal(await assertAnswer(await post(CANCEL), 404, 'No records found'), null);
    assert.equal(await assertAnswer(await post('/apollo/files/copy/x/cancel'), 404, 'No records found'), null);
    assert.equal(calls.length, 1);
  });

  it('answers 503 with Retry-After where Temporal does not answer', async () => {
    const { post } = setUp({ jobs: { cancel: () => Promise.reject(new ServiceUnavailableError('temporal', null)) } });
    const response = await post(CANCEL);
    await assertAnswer(response, 503);
    assert.ok(response.headers.has('retry-after'));
  });

  it('names every state in words', () => {
    const words = (['Requested', 'Cancelling', 'CompletedWithErrors'] satisfies JobState[]).map(jobMessage);
    assert.deepEqual(words, ['Job requested', 'Job cancelling', 'Job completed with errors']);
  });
});
