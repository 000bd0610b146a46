import assert from 'node:assert/strict';
import { DEADLINES } from '../../api/jobs/deadlines.ts';
import { CONTROL_BUCKET } from '../../dev/stack.ts';
import { holdAfter, holdBefore } from '../support/storage-proxy/index.ts';
import { until } from './support/until.ts';
import { useWorld } from './support/world.ts';

/** A process that is told to stop is gone after this, in milliseconds. */
const GONE_WITHIN_MS = 10_000;

function assertInTime({ exit, tookMs }: { exit: string; tookMs: number }): void {
  assert.equal(exit, 'exit code 0');
  assert.ok(tookMs < GONE_WITHIN_MS, `ended after ${tookMs} ms`);
}

describe('SIGTERM', function () {
  this.timeout(90_000);
  const world = useWorld('rough');

  it('ends a worker within 10 s with exit code 0: it finishes what takes a moment, and hands over what storage keeps waiting', async () => {
    const { stack, proxy } = world();
    const caller = await world().newCaller();
    const names = await caller.files(6);
    const [unread, unwritten, written = '', brief] = names;
    const beforeRead = holdBefore();
    const beforeWrite = holdBefore();
    const afterWrite = holdAfter();
    const forAMoment = holdBefore();
    proxy.inject(caller.sourceStats(unread), beforeRead);
    proxy.inject(caller.rewrites(unwritten), beforeWrite);
    proxy.inject(caller.rewrites(written), afterWrite);
    proxy.inject(caller.rewrites(brief), forAMoment);
    const id = await caller.start(names);
    await Promise.all([beforeRead, beforeWrite, afterWrite, forAMoment].map(({ reached }) => reached));
    await until('the others are copied', async () => (await caller.logs(id)).body.job.counts.completed === 2);

    const ending = world().terminate(stack.worker);
    await until('the worker is stopping', () => stack.worker.tail().includes('DRAINING'));
    forAMoment.release();
    assertInTime(await ending);
    for (const hold of [beforeRead, beforeWrite, afterWrite]) hold.release();

    await stack.worker.start();
    const { job, data } = await caller.ended(id);
    assert.equal(job.state, 'Completed');
    assert.deepEqual(
      data.map(({ retryCount }) => retryCount),
      [1, 1, 1, 0, 0, 0],
    );
    assert.deepEqual(caller.writes(names), [1, 1, 1, 1, 1, 1]);
    assert.equal(proxy.requests(caller.rewrites(written)).length, 1);
    assert.deepEqual(await caller.locks(), []);
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
    const isRefused = () =>
      fetch(`${stack.apiUrl}/healthz`).then(
        () => false,
        () => true,
      );
    await until('it takes no more requests', isRefused);
    admission.release();

    const { status, body, tookMs } = await post;
    // A busy machine may need all of the time that a decision is waited for: stopping does not cut it short.
    assert.ok(status === 200 || (status === 202 && tookMs >= DEADLINES.admission), `${status} after ${tookMs} ms`);
    assertInTime(await ending);
    await stack.api.start();
    assert.equal((await caller.ended(body.data.CorrelationId)).job.state, 'Completed');
  });
});
