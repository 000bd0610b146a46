import assert from 'node:assert/strict';
import type { CopyAnswer, NewJob } from '../../../api/jobs/job-service.ts';
import { DEFAULT_OPTIONS } from '../../../api/schemas/copy-options.ts';
import { newJob, withJobs, type JobsWorld } from './support.ts';

/** Jobs whose list is stored, on a Temporal where nobody works: all of them stay undecided. */
describe('the stored list of a job', function () {
  this.timeout(60_000);

  async function storedJob({ storage }: JobsWorld, changes: Partial<NewJob> = {}): Promise<NewJob> {
    const job = newJob([], changes);
    const input = storage.connect().inputs.create(job.correlationId);
    await input.write('{}\n');
    const bulk = { kind: 'stored' as const, ...(await input.close()), count: 1 };
    return { ...job, request: { bulk, options: { ...DEFAULT_OPTIONS } }, digest: 'd', ...changes };
  }

  const inputsOf = async ({ storage }: JobsWorld, { correlationId }: NewJob) => {
    const range = { bucket: storage.controlBucket, prefix: `jobs/${correlationId}/input/` };
    return (await Array.fromAsync(storage.connect().objects.list(range))).map(({ name }) => name);
  };

  const objectOf = ({ request }: NewJob) =>
    'bulk' in request && request.bulk.kind === 'stored' ? request.bulk.object : undefined;

  it('is kept for the job that it was stored for, and deleted where that had one already', async () => {
    await withJobs(
      async (world) => {
        const { jobs, storage } = world;
        const first = await storedJob(world);
        const answer: CopyAnswer = await jobs.copy(first);
        assert.deepEqual(answer, { kind: 'undecided', requested: 1 });
        const again = await storedJob(world, { correlationId: first.correlationId });
        const other = await storedJob(world, { correlationId: first.correlationId, digest: 'other' });
        const deleted = [again, other].map((job) => {
          const name = objectOf(job);
          return storage.proxy.nextRequest({ operation: 'delete', ...(name !== undefined && { name }) });
        });
        assert.deepEqual(await Promise.all([jobs.copy(again), jobs.copy(other)]), [answer, { kind: 'conflict' }]);
        await Promise.all(deleted);
        assert.ok((await inputsOf(world, first)).includes(objectOf(first) ?? ''));
      },
      { started: false },
    );
  });
});
