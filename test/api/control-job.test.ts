import assert from 'node:assert/strict';
import {
  JOB_ACTIONS,
  JobEndedError,
  JobNotFoundError,
  JobOverSignalledError,
  ServiceUnavailableError,
} from '../../api/jobs/job-service.ts';
import type { JobState } from '../../contract/states.ts';
import { jobMessage } from '../../api/views/job-view.ts';
import { adminToken, assertAnswer, ID, JOB, NOW, readerToken, setUp } from './support.ts';

const STATES = { cancel: 'Cancelling', pause: 'Paused', resume: 'Processing' } as const;

for (const action of JOB_ACTIONS) {
  const path = `/apollo/files/copy/${ID}/${action}`;
  const state = STATES[action];

  describe(`POST /apollo/files/copy/{correlationId}/${action}`, () => {
    it('answers the state of the job after the signal', async () => {
      const { post, calls } = setUp();
      const response = await post(path);
      assert.deepEqual(await assertAnswer(response, 200, `Job ${state.toLowerCase()}`), {
        correlationId: ID,
        state,
        counts: { requested: 2, completed: 1, skipped: 0, failed: 0, cancelled: 0, pending: 1, bytes: 48100 },
        startedAt: '2026-03-02T09:15:00.120+00:00',
        endedAt: null,
        message: '',
      });
      assert.equal(response.headers.get('x-correlation-id'), ID);
      assert.deepEqual(calls, [['control', ID, { caller: 'alice', isAdmin: false }, action]]);
    });

    it('needs no body and no content type', async () => {
      const { post } = setUp();
      await assertAnswer(await post(path, undefined, { 'content-type': '' }), 200);
    });

    it('is for administrators too, and for nobody without apollo_write', async () => {
      const { post, calls } = setUp();
      await assertAnswer(await post(path, undefined, { authorization: `Bearer ${readerToken}` }), 403);
      await post(path, undefined, { authorization: `Bearer ${adminToken}` });
      assert.deepEqual(calls, [['control', ID, { caller: 'root', isAdmin: true }, action]]);
    });

    it('answers 409 with the job as data where it has ended', async () => {
      const ended = { ...JOB, state: 'CompletedWithErrors' as const, endedAt: NOW + 500 };
      const { post } = setUp({ jobs: { control: () => Promise.reject(new JobEndedError(ended)) } });
      const data = await assertAnswer(await post(path), 409, 'The job has ended');
      assert.equal((data as Record<string, unknown>).state, 'CompletedWithErrors');
      assert.equal((data as Record<string, unknown>).endedAt, '2026-03-02T09:15:00.620+00:00');
    });

    it('answers 409, and not to try again, where Temporal takes no more signals for it', async () => {
      const { post } = setUp({ jobs: { control: () => Promise.reject(new JobOverSignalledError(JOB)) } });
      const response = await post(path);
      await assertAnswer(response, 409, 'The job was paused and resumed too often: it can only be cancelled');
      assert.ok(!response.headers.has('retry-after'));
    });

    it('answers 404 to an unknown job and to what is no UUID', async () => {
      const { post, calls } = setUp({ jobs: { control: () => Promise.reject(new JobNotFoundError('x')) } });
      assert.equal(await assertAnswer(await post(path), 404, 'No records found'), null);
      assert.equal(await assertAnswer(await post(`/apollo/files/copy/x/${action}`), 404, 'No records found'), null);
      assert.equal(calls.length, 1);
    });

    it('answers 503 with Retry-After where Temporal does not answer', async () => {
      const unavailable = new ServiceUnavailableError('temporal', null);
      const { post } = setUp({ jobs: { control: () => Promise.reject(unavailable) } });
      const response = await post(path);
      await assertAnswer(response, 503);
      assert.ok(response.headers.has('retry-after'));
    });
  });
}

describe('the message of a control answer', () => {
  it('names every state in words', () => {
    const words = (['Requested', 'Cancelling', 'CompletedWithErrors'] satisfies JobState[]).map(jobMessage);
    assert.deepEqual(words, ['Job requested', 'Job cancelling', 'Job completed with errors']);
  });

  it('does not take another word for an action', async () => {
    await assertAnswer(await setUp().post(`/apollo/files/copy/${ID}/stop`), 404, 'There is no such route');
  });
});
