import assert from 'node:assert/strict';
import { CONTROL_BUCKET } from '../../dev/stack.ts';
import { holdAfter, holdBefore } from '../support/storage-proxy/index.ts';
import { until } from './support/until.ts';
import { useOwnWorld } from './support/world.ts';

/** A process that is told to stop is gone after this, in milliseconds. */
const GONE_WITHIN_MS = 10_000;

function assertInTime({ exit, tookMs }: { exit: string; tookMs: number }): void {
  assert.equal(exit, 'exit code 0');
  assert.ok(tookMs < GONE_WITHIN_MS, `ended after ${tookMs} ms`);
}

describe('SIGTERM', function () {
  this.timeout(90_000);
  const world = useOwnWorld();

  it('ends a worker within 10 s with exit code 0 while storage keeps it waiting; the next worker completes the job', async () => {
    const { stack, proxy } = world();
    const caller = await world().newCaller();
    const names = await caller.files(6);
    const [unread, unwritten, written = ''] = names;
    const beforeRead = holdBefore();
    const beforeWrite = holdBefore();
    const afterWrite = holdAfter();
    proxy.inject(caller.sourceStats(unread), beforeRead);
    proxy.inject(caller.rewrites(unwritten), beforeWrite);
    proxy.inject(caller.rewrites(written), afterWrite);
    const id = await caller.start(names);
    await Promise.all([beforeRead, beforeWrite, afterWrite].map(({ reached }) => reached));

    const ending = await world().terminate(stack.worker);
    for (const hold of [beforeRead, beforeWrite, afterWrite]) hold.release();
    assertInTime(ending);
    await stack.worker.start();
    const { job, data } = await caller.ended(id);
    assert.equal(job.state, 'Completed');
    assert.equal(data.length, 6);
    assert.deepEqual(caller.writes(names), [1, 1, 1, 1, 1, 1]);
    assert.equal(proxy.requests(caller.rewrites(written)).length, 1);
    assert.deepEqual(await caller.locks(), []);
  });

  it('lets a worker finish what takes a moment, and ends it with exit code 0', async () => {
    const { stack, proxy } = world();
    const caller = await world().newCaller();
    const [name = ''] = await caller.files(1);
    const hold = holdBefore();
    proxy.inject(caller.rewrites(), hold);
    const id = await caller.start([name]);
    await hold.reached;
    const ending = world().terminate(stack.worker);
    await until('the worker is stopping', () => stack.worker.tail().includes('DRAINING'));
    hold.release();
    assertInTime(await ending);

    await stack.worker.start();
    const { job, data } = await caller.ended(id);
    assert.deepEqual([job.state, data[0]!.retryCount], ['Completed', 0]);
    assert.deepEqual(caller.writes([name]), [1]);
  });

  it('lets the API answer the POST that is under way, and ends it with exit code 0', async () => {
    const { stack, proxy } = world();
    const caller = await world().newCaller();
    const [name = ''] = await caller.files(1);
    const admission = holdBefore();
    const document = `collections/${caller.destinationId}.json`;
    proxy.inject({ operation: 'read', bucket: CONTROL_BUCKET, name: document }, admission);
    const post = caller.copy([name]);
    await admission.reached;
    const ending = world().terminate(stack.api);
    await until('the API is stopping', () => stack.api.tail().includes('api stopping'));
    await assert.rejects(fetch(`${stack.apiUrl}/healthz`));
    admission.release();

    const { status, body } = await post;
    assert.equal(status, 200);
    assertInTime(await ending);
    await stack.api.start();
    assert.equal((await caller.ended(body.data.CorrelationId)).job.state, 'Completed');
  });
});
