import assert from 'node:assert/strict';
import { until } from '../../stack/support/until.ts';
import { holdBefore } from '../../support/storage-proxy/index.ts';
import { newJob, withJobs } from './support.ts';

const alice = { caller: 'alice', isAdmin: false };

describe('a job that is terminated as it ends', function () {
  this.timeout(60_000);

  for (const [what, file, expected] of [
    ['with its file copied', 'a.txt', 'Completed'],
    ['with its file failed', 'missing.txt', 'Failed'],
  ] as const) {
    it(`stays what it was told to be, ${what}, whatever a worker still writes of it`, async () => {
      await withJobs(async ({ jobs, storage, client }) => {
        await storage.emulator.putObject(storage.sourceBucket, 'a.txt', 'a');
        const { correlationId, ...request } = newJob([file]);
        const copying = holdBefore();
        const closing = holdBefore();
        storage.proxy.inject({ operation: 'stat', name: file, bucket: storage.sourceBucket }, copying, { times: 1 });
        assert.equal((await jobs.copy({ correlationId, ...request })).kind, 'decided');
        await copying.reached;
        const record = { operation: 'upload', name: `jobs/${correlationId}/job.json` } as const;
        storage.proxy.inject(record, closing, { times: 1 });
        copying.release();
        await closing.reached;
        await client.workflow.getHandle(correlationId).terminate('by a test');
        const told = await jobs.status(correlationId, alice);
        assert.deepEqual([told.state, told.endedAt], ['Terminated', null]);
        closing.release();
        const end = await until('it is settled', async () => {
          const status = await jobs.status(correlationId, alice);
          return status.endedAt === null ? undefined : status;
        });
        assert.equal(end.state, 'Terminated');
        const { files } = await jobs.page(correlationId, alice, { from: 0, limit: 10 });
        assert.deepEqual(
          files.map(({ state }) => state),
          [expected],
        );
      });
    });
  }
});
