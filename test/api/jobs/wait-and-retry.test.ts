import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { JobNotRetryableError, type CopyAnswer, type RetryJob } from '../../../api/jobs/job-service.ts';
import { DEFAULT_OPTIONS } from '../../../api/schemas/copy-options.ts';
import { waitingSignals } from '../../../api/jobs/waiting-signals.ts';
import { newJob, startUnseen, unbounded, withJobs } from './support.ts';

const alice = { caller: 'alice', isAdmin: false };

const patience = (seconds: number, signal = new AbortController().signal) => ({ forMs: seconds * 1_000, signal });

function retryOf(of: string): RetryJob {
  const { correlationId, requestor, receivedAt } = newJob([]);
  return { of, viewer: alice, correlationId, requestor, receivedAt, reading: unbounded };
}

function stateOf(answer: CopyAnswer) {
  assert.ok(answer.kind === 'decided' || answer.kind === 'undecided');
  return [answer.kind, answer.job?.state];
}

describe('a job that is waited for', function () {
  this.timeout(60_000);

  it('is answered as soon as it has ended, also when it had ended long before', async () => {
    await withJobs(async ({ jobs, storage }) => {
      await storage.emulator.putObject(storage.sourceBucket, 'a.txt', 'a');
      const job = newJob(['a.txt']);
      const startedAt = performance.now();
      assert.deepEqual(stateOf(await jobs.copy(job, patience(60))), ['decided', 'Completed']);
      assert.deepEqual(stateOf(await jobs.copy(job, patience(60))), ['decided', 'Completed']);
      assert.ok(performance.now() - startedAt < 30_000);
    });
  });

  it('is answered as failed where it failed', async () => {
    await withJobs(async ({ jobs }) => {
      assert.deepEqual(stateOf(await jobs.copy(newJob(['none.txt']), patience(60))), ['decided', 'Failed']);
    });
  });

  it('is answered at once where it is refused', async () => {
    await withJobs(async ({ jobs }) => {
      const unknown = { sourceCollectionId: 'unknown', destinationCollectionId: 'copies' };
      const entries = [{ ...unknown, fileName: 'a.txt', destinationFileName: 'a.txt' }];
      const job = newJob([], { request: { entries, options: { ...DEFAULT_OPTIONS } } });
      const answer = await jobs.copy(job, patience(60));
      assert.ok(answer.kind === 'decided' && answer.admission.decision === 'forbidden');
      assert.equal(answer.job, undefined);
    });
  });

  it('is decided later than usual where patience lasts: a worker comes up', async () => {
    await withJobs(
      async ({ jobs, storage, worker }) => {
        await storage.emulator.putObject(storage.sourceBucket, 'a.txt', 'a');
        const answer = jobs.copy(newJob(['a.txt']), patience(50));
        await delay(6_500);
        await worker.start();
        assert.deepEqual(stateOf(await answer), ['decided', 'Completed']);
      },
      { started: false },
    );
  });

  it('is not waited for any more once the client has gone', async () => {
    await withJobs(
      async ({ jobs }) => {
        const client = new AbortController();
        const startedAt = performance.now();
        const answer = jobs.copy(newJob(['a.txt']), patience(60, client.signal));
        await delay(6_000);
        client.abort();
        assert.deepEqual(stateOf(await answer), ['undecided', 'Requested']);
        assert.ok(performance.now() - startedAt < 20_000);
      },
      { started: false },
    );
  });
});

describe('a retry', function () {
  this.timeout(60_000);

  it('copies what failed, and only that, under a new id; again with the same id gives the same answer', async () => {
    await withJobs(async ({ jobs, storage }) => {
      const { emulator, sourceBucket, destinationBucket } = storage;
      await emulator.putObject(sourceBucket, 'there.txt', 'a');
      const job = newJob(['missing-1.txt', 'there.txt', 'missing-2.txt']);
      assert.deepEqual(stateOf(await jobs.copy(job, patience(60))), ['decided', 'CompletedWithErrors']);
      const before = await emulator.statObject(destinationBucket, 'there.txt');

      for (const name of ['missing-1.txt', 'missing-2.txt']) await emulator.putObject(sourceBucket, name, 'b');
      const retry = retryOf(job.correlationId);
      const answer = await jobs.retry(retry, patience(60));
      assert.deepEqual(stateOf(answer), ['decided', 'Completed']);
      const { files } = await jobs.page(retry.correlationId, alice, { from: 0, limit: 10 });
      assert.deepEqual(
        files.map(({ fileName }) => fileName),
        ['missing-1.txt', 'missing-2.txt'],
      );
      assert.deepEqual(await emulator.statObject(destinationBucket, 'there.txt'), before);
      assert.deepEqual(await jobs.retry(retry, patience(60)), answer);
      await assert.rejects(jobs.retry(retryOf(retry.correlationId)), (error: unknown) => {
        assert.ok(error instanceof JobNotRetryableError);
        return error.problem === 'nothing to retry';
      });
    });
  });

  it('is a conflict under the id of the job itself', async () => {
    await withJobs(async ({ jobs }) => {
      const job = newJob(['none.txt']);
      await jobs.copy(job, patience(60));
      const retry = { ...retryOf(job.correlationId), correlationId: job.correlationId };
      assert.deepEqual(await jobs.retry(retry), { kind: 'conflict' });
    });
  });

  it('is refused where the job has not ended', async () => {
    await withJobs(
      async ({ jobs }) => {
        const job = newJob(['a.txt']);
        await jobs.copy(job);
        await assert.rejects(jobs.retry(retryOf(job.correlationId)), (error: unknown) => {
          assert.ok(error instanceof JobNotRetryableError);
          return error.problem === 'unsettled';
        });
      },
      { started: false },
    );
  });

  it('tells of a job that waits where no worker answers the state that a signal will give it', async () => {
    await withJobs(
      async ({ jobs }) => {
        const job = newJob(['a.txt']);
        await jobs.copy(job);
        const states = [];
        for (const action of ['pause', 'resume', 'cancel'] as const) {
          states.push((await jobs.control(job.correlationId, alice, action)).state);
        }
        assert.deepEqual(states, ['Requested', 'Requested', 'Cancelling']);
        assert.equal((await jobs.status(job.correlationId, alice)).state, 'Cancelling');
        assert.equal((await jobs.page(job.correlationId, alice, { from: 0, limit: 1 })).job.state, 'Cancelling');
      },
      { started: false },
    );
  });
});

describe('what a job was sent that no worker has heard', () => {
  it('is told in its order, also a cancellation of Temporal’s own', async () => {
    await withJobs(
      async ({ client }) => {
        const correlationId = await startUnseen(client, 'alice', 'Processing');
        const handle = client.workflow.getHandle(correlationId);
        const { runId } = await handle.describe();
        assert.deepEqual(await waitingSignals(client, { correlationId, runId }), []);
        for (const signal of ['pause', 'resume', 'somebody else’s']) await handle.signal(signal);
        await handle.cancel();
        assert.deepEqual(await waitingSignals(client, { correlationId, runId }), ['pause', 'resume', 'cancel']);
        await handle.terminate();
      },
      { started: false },
    );
  });
});
