import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { CANCEL_SIGNAL } from '../../contract/ids.ts';
import { CONTROL_BUCKET } from '../../dev/stack.ts';
import { answerError, delay, holdAfter, holdBefore, inCalls, resetAfter } from '../support/storage-proxy/index.ts';
import type { Caller } from './support/caller.ts';
import { until } from './support/until.ts';
import { useWorld } from './support/world.ts';

/** No new write starts later than this after the answer to a cancellation, in milliseconds. */
const LAST_WRITE_AFTER_MS = 1_000;

describe('a cancelled job', function () {
  this.timeout(90_000);
  const world = useWorld('calm');

  const ways = [
    {
      way: 'POST …/cancel',
      cancel: async (caller: Caller, id: string) => {
        const { status, body } = await caller.cancel(id);
        assert.deepEqual([status, body.status.message, body.data.state], [200, 'Job cancelling', 'Cancelling']);
      },
      closedAs: 'COMPLETED',
    },
    {
      way: 'the signal, sent by Temporal’s client',
      cancel: (_: Caller, id: string) => world().temporal.workflow.getHandle(id).signal(CANCEL_SIGNAL),
      closedAs: 'COMPLETED',
    },
    {
      way: 'Temporal’s own cancellation',
      cancel: (_: Caller, id: string) => world().temporal.workflow.getHandle(id).cancel(),
      closedAs: 'CANCELLED',
    },
  ];

  for (const { way, cancel, closedAs } of ways) {
    it(`by ${way} starts no new write, waits for those that were sent, and tells what is true of every file`, async () => {
      const { proxy } = world();
      const caller = await world().newCaller();
      const quick = await caller.files(8, 'quick');
      const sent = await caller.files(6, 'sent');
      const lost = await caller.files(2, 'lost');
      const failing = await caller.files(2, 'failing');
      // With the others more than are in hand at a time: some are not begun yet.
      const long = await caller.files(62, 'long');
      const hold = holdBefore();
      proxy.inject(caller.rewrites(/^sent|^lost/), hold);
      proxy.inject(caller.rewrites(/^lost/), resetAfter());
      proxy.inject(caller.rewrites(/^failing/), answerError(503));
      proxy.inject(caller.rewrites(/^long/), inCalls(50));
      proxy.inject(caller.rewrites(/^long/), delay(250));

      const all = [...quick, ...sent, ...lost, ...failing, ...long];
      const id = await caller.start(all);
      await hold.reached;
      const isUnderWay = async () => {
        const { body } = await caller.logs(id, { limit: '1' });
        return body.job.counts.completed > 0 && proxy.requests(caller.rewrites(/^long/)).length > 20;
      };
      await until('some files are copied, and long ones are being copied', isUnderWay, { every: 200 });
      await cancel(caller, id);
      const cancelledAt = performance.now();

      // A second is also how long writes must keep away to show that no more of them are coming.
      const lastAllowed = cancelledAt + LAST_WRITE_AFTER_MS;
      await until('a second has passed', () => performance.now() > lastAllowed);
      assert.equal((await caller.logs(id)).body.job.state, 'Cancelling');
      const again = await caller.cancel(id);
      assert.deepEqual([again.status, again.body.data.state], [200, 'Cancelling']);
      hold.release();

      const { job, data } = await caller.ended(id);
      const writes = proxy.requests(caller.rewrites());
      const late = writes.filter(({ arrivedAt }) => arrivedAt.monotonic > lastAllowed);
      assert.deepEqual(
        late.map(({ name }) => name),
        [],
      );
      assert.ok(writes.every(({ answeredAt }) => answeredAt !== undefined));
      assert.equal(job.state, 'Cancelled');
      assert.ok(job.counts.cancelled > 0);
      assert.equal(job.counts.completed + job.counts.cancelled, all.length);
      for (const { payload, state, message } of data) {
        const stored = await caller.stored(payload.fileName);
        assert.equal(state, stored === undefined ? 'Cancelled' : 'Completed', payload.fileName);
        assert.equal(payload.generation, stored?.generation ?? null);
        assert.match(message, state === 'Cancelled' ? /^CANCELLED: / : /^$/);
        if (stored !== undefined) assert.deepEqual(caller.writes([payload.fileName]), [1]);
      }
      assert.deepEqual(await caller.locks(), []);
      assert.equal(await world().closedAs(id), closedAs);
      const afterEnd = await caller.cancel(id);
      assert.deepEqual([afterEnd.status, afterEnd.body.data], [409, job]);
    });
  }

  it('hears of it while storage takes its time to keep results', async () => {
    const { proxy } = world();
    const caller = await world().newCaller();
    const names = await caller.files(4);
    const id = randomUUID();
    const hold = holdBefore();
    proxy.inject({ operation: 'upload', bucket: CONTROL_BUCKET, name: new RegExp(`^jobs/${id}/results/`) }, hold);
    proxy.inject(caller.rewrites(/000[1-3]/), inCalls(200));
    proxy.inject(caller.rewrites(/000[1-3]/), delay(250));
    await caller.start(names, { id });
    await hold.reached;
    assert.equal((await caller.cancel(id)).status, 200);
    const lastAllowed = performance.now() + LAST_WRITE_AFTER_MS;
    // As long as another few writes would take.
    await until('two seconds have passed', () => performance.now() > lastAllowed + 1_000);
    hold.release();
    assert.equal((await caller.ended(id)).job.state, 'Cancelled');
    const late = proxy.requests(caller.rewrites()).filter(({ arrivedAt }) => arrivedAt.monotonic > lastAllowed);
    assert.equal(late.length, 0);
  });

  it('of which nothing was left to stop is Completed', async () => {
    const { proxy } = world();
    const caller = await world().newCaller();
    const [name = ''] = await caller.files(1);
    const hold = holdAfter();
    proxy.inject(caller.rewrites(), hold);
    const id = await caller.start([name]);
    await hold.reached;
    assert.equal((await caller.cancel(id)).status, 200);
    hold.release();
    const { job, data } = await caller.ended(id);
    assert.deepEqual([job.state, data[0]!.state], ['Completed', 'Completed']);
    assert.equal((await caller.cancel(id)).status, 409);
  });
});
