import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import type { Part } from '../../dev/part.ts';
import { CONTROL_BUCKET } from '../../dev/stack.ts';
import { holdAfter, holdBefore, type Hold } from '../support/storage-proxy/index.ts';
import { pendingActivities, toldToStop, type PendingActivity } from './support/activities.ts';
import type { Caller } from './support/caller.ts';
import type { CopyBody } from './support/http.ts';
import { until } from './support/until.ts';
import { useWorld } from './support/world.ts';

/** Names of the files of a job: one whose write is on its way when the worker is stopped, one that is about to be written. */
const SENT = 'sent.txt';
const UNSENT = 'unsent.txt';

/** What a worker writes at a time (64), but for one write of the other job: so many are on their way, the others wait. */
const LANES_LEFT = 63;
const BULK_FILES = 80;

/** Longer than a worker's heartbeats may be missing (10 s), in milliseconds. */
const STOPPED_MS = 10_500;

/** Temporal's number for the tasks of a queue that are activities. */
const ACTIVITY_TASKS = 2;

/** Every worker, stopped or not, has to go on when a test is over. */
function signal({ pid }: Part, name: 'SIGSTOP' | 'SIGCONT'): void {
  if (pid !== undefined) process.kill(pid, name);
}

describe('a worker that was stopped for longer than its heartbeat time-out, and goes on,', function () {
  // It takes the 10 s of the time-out, what it takes to start a worker and an API, and up to 20 s more for what Temporal
  // hands to the stopped worker besides.
  this.timeout(180_000);
  const world = useWorld('rough');

  /** A job of two files, brought to where one is sent and the other about to be. */
  async function underWay(caller: Caller): Promise<{ id: string; names: string[]; holds: Hold[] }> {
    const names = [SENT, UNSENT];
    for (const name of names) await caller.put(name, 'of the first job');
    const [sent, unsent] = [holdBefore(), holdAfter()];
    world().proxy.inject(caller.rewrites(SENT), sent, { times: 1 });
    world().proxy.inject(caller.sourceStats(UNSENT), unsent, { times: 1 });
    const id = await caller.start(names);
    await Promise.all([sent.reached, unsent.reached]);
    return { id, names, holds: [sent, unsent] };
  }

  /** The same for a job that copies a prefix. */
  async function bulkUnderWay(caller: Caller): Promise<{ id: string; names: string[]; holds: Hold[] }> {
    const names = Array.from({ length: BULK_FILES }, (_, index) => `many/${String(index).padStart(3, '0')}`);
    for (const name of names) await caller.put(name, 'of the first job');
    const sent = holdBefore();
    world().proxy.inject(caller.rewrites(/^many/), sent, { times: LANES_LEFT });
    const id = await startBulk(caller);
    const isSent = () => world().proxy.requests(caller.rewrites(/^many/)).length === LANES_LEFT;
    await until('as many files as there are lanes are being written', isSent);
    return { id, names, holds: [sent] };
  }

  async function startBulk(caller: Caller): Promise<string> {
    const { sourceId: sourceCollectionId, destinationId: destinationCollectionId } = caller;
    const collection = { sourceCollectionId, destinationCollectionId, prefix: 'many/' };
    const { status, body } = await caller.http.post<CopyBody>('/apollo/files/copy', { collection });
    assert.ok(status === 200 || status === 202, `${status} ${JSON.stringify(body)}`);
    return body.data.CorrelationId;
  }

  /** Has a later job copy other content to the same places, and gives the generations it wrote. */
  async function copyAgain(caller: Caller, names: readonly string[], start: () => Promise<string>) {
    for (const name of names) await caller.put(name, 'of the later job');
    const { job, data } = await caller.ended(await start());
    assert.deepEqual([job.state, job.counts.completed], ['Completed', names.length]);
    return new Map(data.map(({ payload }) => [payload.fileName, payload.generation]));
  }

  it('changes nothing that the next jobs have written, and the records tell the truth', async () => {
    const { stack, proxy, temporal } = world();
    const [few, many] = [await world().newCaller(), await world().newCaller()];
    const jobs = [
      { caller: few, ...(await underWay(few)), again: () => few.start([SENT, UNSENT]) },
      { caller: many, ...(await bulkUnderWay(many)), again: () => startBulk(many) },
    ];
    // On a task queue of its own: Temporal goes on handing tasks to the polls of a process that is stopped.
    const elsewhere = { TEMPORAL_TASK_QUEUE: 'elsewhere' };
    const stopped = stack.worker;
    const other = await stack.addWorker('Worker elsewhere', elsewhere);
    try {
      signal(stopped, 'SIGSTOP');
      const stoppedAt = performance.now();
      await stack.api.kill();
      await Promise.all([other.start(), stack.api.start(elsewhere)]);
      const written: ReadonlyMap<string, string | null>[] = [];
      for (const { caller, id, names, again } of jobs) {
        await temporal.workflow.getHandle(id).terminate('by an operator');
        written.push(await copyAgain(caller, names, again));
      }
      const recorded = await Promise.all(jobs.map(({ caller, id }) => settled(caller, id)));
      await delay(Math.max(0, STOPPED_MS - (performance.now() - stoppedAt)));

      // What was on its way comes to storage only now, and the worker goes on.
      const sent = jobs.map(({ caller }) => proxy.requests(caller.rewrites()).length);
      for (const { holds } of jobs) for (const hold of holds) hold.release();
      signal(stopped, 'SIGCONT');
      await stack.api.kill();
      await stack.api.start();
      const after = await world().newCaller();
      await after.put('after.txt');
      assert.equal((await after.copied(['after.txt'])).job.state, 'Completed', 'it is at work again');

      for (const [index, { caller, id, names }] of jobs.entries()) {
        for (const name of names) {
          assert.equal(await caller.content(name), 'of the later job');
          assert.equal((await caller.stored(name))?.generation, written[index]?.get(name));
        }
        assert.equal(proxy.requests(caller.rewrites()).length, sent[index], 'it sent no write any more');
        assert.deepEqual(
          caller.writes(names),
          names.map(() => 1),
          'what had been on its way was refused',
        );
        const { job, data } = (await caller.logs(id)).body;
        assert.equal(job.state, 'Terminated');
        assert.deepEqual(new Set(data.map(({ state }) => state)), new Set(['Cancelled']));
        assert.deepEqual(data, recorded[index]?.data);
        assert.deepEqual(await caller.locks(), []);
      }
    } finally {
      signal(stopped, 'SIGCONT');
      await other.kill();
    }
  });

  it('does not begin what Temporal handed to it meanwhile: it may have been taken away since', async () => {
    const { stack, proxy, temporal } = world();
    const caller = await world().newCaller();
    // Its workflow is at the worker that goes on.
    const id = await pausedUncopied(caller, await caller.files(40));
    const stopped = await stack.addWorker('Another worker');
    const hasSome = async () => (await pendingActivities(temporal, id)).some(isAt(stopped));
    // The locks are there still when the stopped worker goes on, and what it left has been looked for.
    const closing = holdBefore();
    proxy.inject({ operation: 'upload', bucket: CONTROL_BUCKET, name: new RegExp(`^jobs/${id}/results/`) }, closing);
    try {
      await stopped.start();
      await askingForActivities(id, stopped);
      signal(stopped, 'SIGSTOP');
      assert.equal((await caller.resume(id)).status, 200);
      await until('the stopped worker has been given some files', hasSome);
      assert.equal((await caller.cancel(id)).status, 200);
      assert.ok(await hasSome(), 'they have been given to nobody else');
      const isEnding = async () => (await caller.logs(id, { limit: '1' })).body.job.counts.pending === 0;
      const patience = { within: 120_000, every: 100 };
      await until('what the stopped worker has been given was looked for', isEnding, patience);
      const sent = proxy.requests(caller.rewrites()).length;
      signal(stopped, 'SIGCONT');
      await delay(2_000);
      assert.equal(proxy.requests(caller.rewrites()).length, sent, 'it has sent nothing');
      closing.release();
      const { data } = await caller.ended(id);
      for (const { payload, state } of data) {
        const stored = await caller.stored(payload.fileName);
        assert.equal(state, stored === undefined ? 'Cancelled' : 'Completed', payload.fileName);
      }
    } finally {
      signal(stopped, 'SIGCONT');
      closing.release();
      await stopped.kill();
    }
  });

  /** A job that is paused before its files are copied. */
  async function pausedUncopied(caller: Caller, names: readonly string[]): Promise<string> {
    const { proxy, temporal } = world();
    const unread = holdBefore();
    const rule = proxy.inject(caller.sourceStats(), unread);
    const id = await caller.start(names);
    await unread.reached;
    assert.equal((await caller.pause(id)).status, 200);
    await toldToStop(temporal, id);
    rule.remove();
    unread.release();
    await until('nothing is under way', async () => (await pendingActivities(temporal, id)).length === 0);
    return id;
  }

  /** Whether an activity was handed to this worker last. */
  const isAt =
    ({ pid }: Part) =>
    ({ lastWorkerIdentity }: PendingActivity) =>
      lastWorkerIdentity?.startsWith(`${pid}@`) === true;

  /** Waits until a worker asks for what is to be done of a job. */
  async function askingForActivities(id: string, { pid }: Part): Promise<void> {
    const { workflowService, workflow, options } = world().temporal;
    const { taskQueue } = await workflow.getHandle(id).describe();
    const about = { namespace: options.namespace, taskQueue: { name: taskQueue } };
    const request: object = { ...about, taskQueueType: ACTIVITY_TASKS };
    await until('the worker asks for activities', async () => {
      const { pollers } = await workflowService.describeTaskQueue(request);
      return pollers.some(({ identity }) => identity?.startsWith(`${pid}@`));
    });
  }

  /** The logs of a job that was ended by force, once its files have been looked for. */
  async function settled(caller: Caller, id: string) {
    return await until('the job that was ended by force is settled', async () => {
      const { status, body } = await caller.logs(id);
      return status === 200 && body.job.counts.pending === 0 && body.job.endedAt !== null ? body : undefined;
    });
  }
});
