import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { CONTROL_BUCKET } from '../../dev/stack.ts';
import { holdBefore } from '../support/storage-proxy/index.ts';
import { httpTo } from './support/http.ts';
import { until } from './support/until.ts';
import { useWorld } from './support/world.ts';

/** However long others do not answer, a POST is answered within this, in milliseconds. */
const ANSWER_WITHIN_MS = 6_000;

interface Readiness {
  status: string;
  checks: { temporal: string; storage: string };
}

describe('while others are down', function () {
  this.timeout(90_000);
  const world = useWorld('rough');

  /** The answer of /readyz once it is this one: what was found a moment ago is told to everybody for a second. */
  const readiness = (expected: 200 | 503) =>
    until(`/readyz is answered ${expected}`, async () => {
      const answer = await httpTo(world().stack.apiUrl).get<Readiness>('/readyz');
      return answer.status === expected && answer;
    });

  it('without Temporal a POST is answered 503, ended jobs answer as ever, and all goes on by itself later', async () => {
    const { stack, proxy } = world();
    const caller = await world().newCaller();
    const [early = '', running = '', late = '', undecided = ''] = await caller.files(4);
    const ended = await caller.copied([early]);
    const hold = holdBefore();
    proxy.inject(caller.rewrites(running), hold);
    const runningId = await caller.start([running]);
    await hold.reached;
    const admission = holdBefore();
    const document = `collections/${caller.sourceId}.json`;
    proxy.inject({ operation: 'read', bucket: CONTROL_BUCKET, name: document }, admission);
    const undecidedId = randomUUID();
    const underWay = caller.copy([undecided], { id: undecidedId });
    await admission.reached;
    await stack.temporal.kill();

    const lateId = randomUUID();
    const [post, logsOfEnded, trackOfEnded, logsOfRunning, cancelOfRunning, ready] = await Promise.all([
      caller.copy([late], { id: lateId }),
      caller.logs(ended.job.correlationId),
      caller.track(ended.job.correlationId),
      caller.logs(runningId),
      caller.cancel(runningId),
      readiness(503),
    ]);
    for (const [id, { status, tookMs, headers, body }] of [
      [lateId, post],
      [undecidedId, await underWay],
    ] as const) {
      assert.equal(status, 503);
      assert.ok(tookMs < ANSWER_WITHIN_MS, `answered after ${tookMs} ms`);
      assert.match(headers.get('retry-after') ?? '', /^[1-9]\d*$/);
      assert.equal(headers.get('x-correlation-id'), id);
      assert.equal(body.status.code, '503');
    }
    assert.deepEqual([logsOfEnded.status, logsOfEnded.body], [200, ended]);
    assert.equal(trackOfEnded.status, 200);
    for (const { status, headers } of [logsOfRunning, cancelOfRunning]) {
      assert.equal(status, 503);
      assert.ok(headers.get('retry-after'));
    }
    assert.deepEqual(ready.body.checks, { temporal: 'failed', storage: 'ok' });

    await stack.temporal.start();
    hold.release();
    admission.release();
    for (const [id, name] of [
      [lateId, late],
      [undecidedId, undecided],
    ] as const) {
      const post = async () => (await caller.copy([name], { id })).status === 200;
      await until('the POST is accepted', post);
    }
    for (const id of [lateId, undecidedId, runningId]) {
      assert.equal((await caller.ended(id, { through503: true })).job.state, 'Completed');
    }
    assert.deepEqual(caller.writes([early, running, late, undecided]), [1, 1, 1, 1]);
    assert.deepEqual(await caller.locks(), []);
    await readiness(200);
  });

  it('without storage a POST is answered 202, and the job and those under way are completed once it is back', async () => {
    const { stack, proxy } = world();
    const caller = await world().newCaller();
    const names = await caller.files(4);
    const [late = '', ...running] = names;
    const hold = holdBefore();
    proxy.inject(caller.rewrites(), hold);
    const runningId = await caller.start(running);
    await until('all files are being written', () => proxy.requests(caller.rewrites()).length === running.length);
    await stack.storage.kill();
    hold.release();

    const lateId = randomUUID();
    const [post, logs, ready] = await Promise.all([
      caller.copy([late], { id: lateId }),
      caller.logs(runningId),
      readiness(503),
    ]);
    assert.equal(post.status, 202);
    assert.ok(post.tookMs < ANSWER_WITHIN_MS, `answered after ${post.tookMs} ms`);
    assert.equal(logs.status, 503);
    assert.deepEqual(ready.body.checks, { temporal: 'ok', storage: 'failed' });

    await stack.storage.start();
    for (const id of [lateId, runningId]) {
      const { job, data } = await caller.ended(id);
      assert.equal(job.state, 'Completed');
      assert.ok(id === lateId || data.every(({ retryCount }) => retryCount > 0));
    }
    assert.equal((await caller.decided([late], { id: lateId })).status, 200);
    assert.deepEqual(caller.writes(names), [1, 1, 1, 1]);
    assert.deepEqual(await caller.locks(), []);
    await readiness(200);
  });
});
