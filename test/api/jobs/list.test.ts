import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { ExecutionList, type Execution } from '../../../api/jobs/newest-executions.ts';
import { jobsQuery, queryTime, requestorKeyword } from '../../../api/jobs/visibility-query.ts';
import type { JobCursor, JobFilter } from '../../../api/jobs/job-service.ts';
import { until } from '../../stack/support/until.ts';
import { sharedTemporal } from '../../support/temporal.ts';
import { startUnseen, withJobs, type JobsWorld } from './support.ts';

const page = { limit: 100 };

/** No worker runs for these jobs, and nobody waits long for one to answer. */
const UNSEEN = { started: false, queryMs: 200 };

/** The ids that a list has once it counts as many as it should, and shows as many, all of them unless said otherwise. */
async function listed({ jobs }: JobsWorld, filter: JobFilter, expected: number, shown = expected): Promise<string[]> {
  return await until(`${expected} jobs of ${JSON.stringify(filter)}`, async () => {
    const list = await jobs.list(filter, page);
    const isWhole = list.totalCount === expected && list.jobs.length === shown;
    return isWhole && list.jobs.map(({ correlationId }) => correlationId);
  });
}

describe('the list of jobs', function () {
  this.timeout(60_000);

  it('finds the jobs of every caller, whatever is in the name, and of nobody else', async () => {
    const suffix = randomUUID();
    const callers = [
      'plain',
      'Plain',
      "o'brien",
      'back\\slash',
      'double"quote',
      "x' OR CopyRequestor != '",
      "x\\' OR 1=1 --",
      "''",
      "'",
      '\\',
      '100%',
      '%27',
      "%sha256:'",
      'naïve 😀',
      '*',
      'a_b',
      '"'.repeat(200),
    ].map((name) => `${suffix} ${name}`);
    await withJobs(async (world) => {
      const ids = await Promise.all(callers.map((caller) => startUnseen(world.client, caller)));
      const found = await Promise.all(callers.map((caller) => listed(world, { requestor: caller }, 1)));
      for (const [index, caller] of callers.entries()) assert.deepEqual(found[index], [ids[index]], caller);
    }, UNSEEN);
  });

  it('leaves out a job whose record is spoilt, and no other', async () => {
    const requestor = randomUUID();
    await withJobs(async (world) => {
      const { client, storage } = world;
      const [broken = '', empty = '', whole] = await Promise.all([1, 2, 3].map(() => startUnseen(client, requestor)));
      await storage.emulator.putObject(storage.controlBucket, `jobs/${broken}/job.json`, '{"half":');
      await storage.emulator.putObject(storage.controlBucket, `jobs/${empty}/job.json`, '{}');
      assert.deepEqual(await listed(world, { requestor }, 3, 1), [whole]);
    }, UNSEEN);
  });

  it('pages through, newest first, each job once, with the count of all', async () => {
    const requestor = randomUUID();
    await withJobs(async (world) => {
      const { client, jobs } = world;
      const ids: string[] = [];
      for (let index = 0; index < 7; index += 1) ids.unshift(await startUnseen(client, requestor));
      // Temporal's own order has running ones first, and then those that ended last.
      for (const index of [0, 4, 2]) await client.workflow.getHandle(ids[index]!).terminate();
      await listed(world, { requestor }, 7);
      await listed(world, { requestor, state: 'Terminated' }, 3);
      const seen: string[] = [];
      let after: JobCursor | null | undefined;
      do {
        const list = await jobs.list({ requestor }, { limit: 3, ...(after && { after }) });
        assert.equal(list.totalCount, 7);
        assert.ok(list.jobs.length <= 3);
        seen.push(...list.jobs.map(({ correlationId }) => correlationId));
        after = list.next;
      } while (after !== null);
      assert.deepEqual(seen, ids);
    }, UNSEEN);
  });

  it('tells states as every view does: ended by force is Terminated, whatever the job last said of itself', async () => {
    const requestor = randomUUID();
    await withJobs(async (world) => {
      const { client, jobs } = world;
      const paused = await startUnseen(client, requestor, 'Paused');
      const killed = await startUnseen(client, requestor, 'Processing');
      await client.workflow.getHandle(killed).terminate();
      assert.deepEqual(await listed(world, { requestor, state: 'Terminated' }, 1), [killed]);
      assert.deepEqual(await listed(world, { requestor, state: 'Paused' }, 1), [paused]);
      assert.deepEqual(await listed(world, { requestor, state: 'Processing' }, 0), []);
      assert.deepEqual(await listed(world, { requestor, state: 'Completed' }, 0), []);
      const states = (await jobs.list({ requestor }, page)).jobs.map(({ state }) => state);
      assert.deepEqual(states, ['Terminated', 'Paused']);
    }, UNSEEN);
  });

  it('narrows by start: from one time on, and before another', async () => {
    const requestor = randomUUID();
    await withJobs(async (world) => {
      const first = await startUnseen(world.client, requestor);
      const second = await startUnseen(world.client, requestor);
      await listed(world, { requestor }, 2);
      const { startTime } = await world.client.workflow.getHandle(second).describe();
      // The store counts microseconds, so the second one started within this millisecond.
      const at = startTime.getTime();
      assert.deepEqual(await listed(world, { requestor, startTime: at + 1 }, 0), []);
      assert.deepEqual(await listed(world, { requestor, endTime: at }, 1), [first]);
      assert.deepEqual(await listed(world, { requestor, startTime: at, endTime: at + 1 }, 1), [second]);
      const endOfTime = Date.UTC(9999, 11);
      assert.deepEqual(await listed(world, { requestor, startTime: -1e14, endTime: endOfTime }, 2), [second, first]);
    }, UNSEEN);
  });

  it('cuts a long list into stretches of time by counting, and loses none', async () => {
    const { client } = await sharedTemporal();
    const requestor = randomUUID();
    const ids = await Promise.all(Array.from({ length: 60 }, () => startUnseen(client, requestor)));
    for (const window of [1, 8]) {
      const list = new ExecutionList(client, jobsQuery({ requestor }), window);
      await until('60 jobs', async () => (await list.count()) === 60);
      const seen: Execution[] = [];
      let after: JobCursor | null | undefined;
      do {
        const found = await list.page(7, after ?? undefined, Date.now());
        assert.ok(found.executions.length <= 7);
        seen.push(...found.executions);
        after = found.next;
      } while (after !== null);
      assert.deepEqual(seen.map(({ correlationId }) => correlationId).sort(), [...ids].sort());
      const times = seen.map(({ startedAt }) => startedAt);
      assert.deepEqual(
        times,
        times.toSorted((one, other) => other - one),
      );
    }
  });
});

describe('a query for jobs', () => {
  it('writes times to the microsecond', () => {
    assert.equal(queryTime(1_772_442_900_120_457), "'2026-03-02T09:15:00.120457Z'");
    assert.equal(queryTime(7), "'1970-01-01T00:00:00.000007Z'");
  });

  it('keeps a name as it is where it can be asked for, and every name apart from every other', () => {
    assert.equal(requestorKeyword('service-account@example.com|7'), 'service-account@example.com|7');
    const names = ['a', "'a", '%27a', '"a', '%22a', '\\a', '%', '%25', '"'.repeat(255), `${'"'.repeat(254)}'`];
    assert.equal(new Set(names.map(requestorKeyword)).size, names.length);
    for (const name of names) assert.ok(requestorKeyword(name).length <= 255);
  });
});
