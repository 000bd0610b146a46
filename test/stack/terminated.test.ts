import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { WorkflowNotFoundError } from '@temporalio/client';
import { reconcileId } from '../../contract/ids.ts';
import { answerError, holdBefore, type Hold } from '../support/storage-proxy/index.ts';
import { fileStates, type Caller } from './support/caller.ts';
import type { CopyBody, LogsBody } from './support/http.ts';
import { until } from './support/until.ts';
import { useWorld, type World } from './support/world.ts';

interface HalfWay {
  caller: Caller;
  id: string;
  /** Files that were copied, and files that were not, when the job came to be ended by force. */
  copied: string[];
  uncopied: string[];
  /** When the job said that it was started, while it ran. */
  startedAt: string;
  /** What keeps the attempts of the others: when it is released, they go on. */
  hold: Hold;
}

/** Brings a job to where half of its files are copied, and the others are about to be. */
async function halfWay(world: World): Promise<HalfWay> {
  const caller = await world.newCaller();
  const copied = await caller.files(6, 'copied');
  const uncopied = await caller.files(6, 'uncopied');
  const hold = holdBefore();
  // Only what the job itself asks, not who looks after it.
  world.proxy.inject(caller.sourceStats(/^uncopied/), hold, { times: uncopied.length });
  const id = await caller.start([...copied, ...uncopied], { id: randomUUID() });
  const isHalfWay = () =>
    caller.writes(copied).every((count) => count === 1) &&
    uncopied.every((name) => world.proxy.requests(caller.sourceStats(name)).length > 0);
  await until('half of the files are copied, the others about to be', isHalfWay);
  const { startedAt } = (await caller.logs(id, { limit: '1' })).body.job;
  return { caller, id, copied, uncopied, startedAt, hold };
}

/**
 * Asks for the job's logs until all is told and its locks are gone. Until then each answer says that the rest is being
 * found out, gives no end, and tells of what the job had told of as Completed (`told`) no otherwise.
 */
async function reconciled(caller: Caller, id: string, told: readonly string[] = []): Promise<LogsBody> {
  let unsettled = 0;
  const isSettled = async () => {
    const { status, body } = await caller.logs(id);
    assert.equal(status, 200);
    assert.equal(body.job.state, 'Terminated');
    const states = fileStates(body);
    for (const name of told) assert.equal(states[name], 'Completed', name);
    assert.ok(body.job.counts.completed >= told.length);
    if (body.job.endedAt === null) {
      unsettled += 1;
      assert.match(body.job.message, /^TERMINATED: .*being found out$/);
      return undefined;
    }
    assert.equal(body.job.counts.pending, 0);
    assert.doesNotMatch(body.job.message, /being found out/);
    assert.deepEqual(await caller.locks(), [], 'the locks are gone before the end is visible');
    return body;
  };
  const logs = await until('the truth is told', isSettled, { every: 100 });
  assert.ok(unsettled > 0, 'the first answer is not the last word');
  return logs;
}

async function assertTruth(
  { caller, id, copied, uncopied, startedAt, hold }: HalfWay,
  told: readonly string[] = [],
): Promise<void> {
  const logs = await reconciled(caller, id, told);
  assert.deepEqual(fileStates(logs), {
    ...Object.fromEntries(copied.map((name) => [name, 'Completed'])),
    ...Object.fromEntries(uncopied.map((name) => [name, 'Cancelled'])),
  });
  const { counts, message, endedAt } = logs.job;
  assert.deepEqual([counts.completed, counts.cancelled, counts.requested], [6, 6, 12]);
  assert.match(message, /^TERMINATED: /);
  assert.ok(endedAt !== null);
  assert.equal(logs.job.startedAt, startedAt);
  for (const { payload, state, message: why } of logs.data) {
    const stored = await caller.stored(payload.fileName);
    assert.equal(stored === undefined, state === 'Cancelled');
    assert.equal(payload.generation, stored?.generation ?? null);
    assert.match(why, state === 'Cancelled' ? /^TERMINATED: / : /^$/);
  }
  const { body } = await caller.track(id);
  assert.deepEqual(body.data.Summary, { FilesRequestedToBeCopied: '12', Succeeded: '6', Failed: '0' });

  // What is left of it may go on: it writes nothing.
  hold.release();
  const again = await caller.copied(uncopied);
  assert.equal(again.job.state, 'Completed');
  assert.deepEqual(
    caller.writes(uncopied),
    uncopied.map(() => 1),
  );
  assert.deepEqual((await caller.logs(id)).body, logs, 'an end never changes');
}

describe('a job that was ended by force half way', function () {
  this.timeout(90_000);
  const world = useWorld('calm');

  it('by termination: logs tell the truth of every file after the first look, and it holds nobody back', async () => {
    const job = await halfWay(world());
    const { caller, id, copied } = job;
    await until(
      'it tells what is copied',
      async () => (await caller.logs(id)).body.job.counts.completed === copied.length,
    );
    await world().temporal.workflow.getHandle(id).terminate('by a test');
    await assertTruth(job, copied);
  });

  it('by deletion from Temporal: the same', async () => {
    const job = await halfWay(world());
    const { temporal } = world();
    const { namespace } = temporal.options;
    await temporal.workflowService.deleteWorkflowExecution({ namespace, workflowExecution: { workflowId: job.id } });
    await until('the job is deleted', async () => {
      try {
        await temporal.workflow.getHandle(job.id).describe();
        return false;
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return true;
        throw error;
      }
    });
    const again = await job.caller.decided([...job.copied, ...job.uncopied], { id: job.id });
    assert.equal(again.status, 200, 'the same request finds the job, which begins nothing anew');
    await assertTruth(job);
  });

  it('holds nobody back even before anybody has looked; whoever takes its files has it settled', async () => {
    const { caller, id, uncopied, hold } = await halfWay(world());
    await world().temporal.workflow.getHandle(id).terminate('by a test');
    hold.release();
    assert.equal((await caller.copied(uncopied)).job.state, 'Completed');
    const end = await world().temporal.workflow.getHandle(reconcileId(id)).result();
    assert.equal(end, 'reconciled');
    assert.deepEqual(await caller.locks(), []);
  });

  it('is tried again as a job of the files that it did not copy, and of no others', async () => {
    const { caller, id, copied, uncopied, hold } = await halfWay(world());
    await world().temporal.workflow.getHandle(id).terminate('by a test');
    // Asked at once: it is settled first.
    const retryId = randomUUID();
    const retry = await until('the retry is taken on', async () => {
      const answer = await caller.retry(id, retryId);
      return answer.status !== 409 && answer.status !== 503 && answer;
    });
    hold.release();
    assert.equal(retry.status, 200);
    const { job, data } = await caller.ended(retry.body.data.CorrelationId);
    assert.equal(job.state, 'Completed');
    assert.deepEqual(
      data.map(({ payload }) => payload.fileName),
      uncopied,
    );
    assert.deepEqual(
      caller.writes([...copied, ...uncopied]),
      [...copied, ...uncopied].map(() => 1),
    );
  });

  it('while it copied everything under a prefix: the same', async () => {
    const { proxy, temporal } = world();
    const caller = await world().newCaller();
    const copied = await caller.files(30, 'all/copied');
    await caller.files(10, 'all/uncopied');
    proxy.inject(caller.rewrites(/uncopied/), answerError(503));
    const { sourceId: sourceCollectionId, destinationId: destinationCollectionId } = caller;
    const collection = { sourceCollectionId, destinationCollectionId, prefix: 'all/' };
    const { body } = await caller.http.post<CopyBody>('/apollo/files/copy', { collection });
    const id = body.data.CorrelationId;
    const isHalfWay = () =>
      caller.writes(copied).every((count) => count === 1) && proxy.requests(caller.rewrites(/uncopied/)).length >= 10;
    await until('half of the files are copied, the others are being tried', isHalfWay);
    await temporal.workflow.getHandle(id).terminate('by a test');

    const isClosed = async () => {
      const { body: now } = await caller.logs(id);
      return (await caller.locks()).length === 0 && now.job.counts.cancelled === 10 ? now : undefined;
    };
    const { job, data } = await until('the truth is told', isClosed);
    const { completed, cancelled, requested, pending } = job.counts;
    assert.deepEqual([job.state, completed, cancelled, requested, pending], ['Terminated', 30, 10, 40, 0]);
    for (const { payload, state, message } of data) {
      const isCopied = copied.includes(payload.fileName);
      assert.equal(state, isCopied ? 'Completed' : 'Cancelled');
      assert.match(message, isCopied ? /^$/ : /^TERMINATED: /);
    }
    assert.equal(data.length, 40);
  });

  it('is reported to the last file', async () => {
    const { caller, id, copied, uncopied, hold } = await halfWay(world());
    await world().temporal.workflow.getHandle(id).terminate('by a test');
    await reconciled(caller, id);
    hold.release();
    const rows = await caller.report(id);
    assert.deepEqual(
      rows.map(({ fileName, state }) => [fileName, state]),
      [...copied.map((name) => [name, 'Completed']), ...uncopied.map((name) => [name, 'Cancelled'])],
    );
  });
});
