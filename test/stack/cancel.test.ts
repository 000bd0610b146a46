import assert from 'node:assert/strict';
import { CANCEL_SIGNAL } from '../../contract/ids.ts';
import { answerError, delay, holdAfter, holdBefore, inCalls, resetAfter } from '../support/storage-proxy/index.ts';
import type { Caller } from './support/caller.ts';
import { until } from './support/until.ts';
import { useOwnWorld } from './support/world.ts';

/** No new write starts later than this after the answer to a cancellation, in milliseconds. */
const LAST_WRITE_AFTER_MS = 1_000;

describe('a cancelled job', function () {
  this.timeout(90_000);
  // Fewer slots than files: some have not begun when the job is cancelled.
  const world = useOwnWorld({ env: { worker: { COPY_CONCURRENCY: '20' } } });

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
      const { proxy, temporal } = world();
      const caller = await world().newCaller();
      const quick = await caller.files(8, 'quick');
      const sent = await caller.files(6, 'sent');
      const lost = await caller.files(2, 'lost');
      const failing = await caller.files(2, 'failing');
      const long = await caller.files(22, 'long');
      const hold = holdBefore();
      proxy.inject(caller.rewrites(/^sent|^lost/), hold);
      proxy.inject(caller.rewrites(/^lost/), resetAfter());
      proxy.inject(caller.rewrites(/^failing/), answerError(503));
      proxy.inject(caller.rewrites(/^long/), inCalls(50));
      proxy.inject(caller.rewrites(/^long/), delay(250));

      const id = await caller.start([...quick, ...sent, ...lost, ...failing, ...long]);
      await hold.reached;
      await until('some files are copied, and long ones are being copied', async () => {
        const { body } = await caller.logs(id, { limit: '1' });
        return body.job.counts.completed > 0 && proxy.requests(caller.rewrites(/^long/)).length > 20;
      });
      await cancel(caller, id);
      const cancelledAt = performance.now();

      // A second is also how long writes must keep away to show that no more of them are coming.
      const lastAllowed = cancelledAt + LAST_WRITE_AFTER_MS;
      await until('a second has passed', () => performance.now() > lastAllowed);
      const dump = async () => {
        const h = await temporal.workflow.getHandle(id).fetchHistory();
        const t0 = Date.now() - performance.now() + cancelledAt;
        for (const e of h.events!) {
          const t = Number(e.eventTime!.seconds) * 1000 + e.eventTime!.nanos! / 1e6 - t0;
          if (t > -2500)
            console.log(
              String(e.eventId),
              t.toFixed(),
              e.eventType,
              JSON.stringify(
                e.workflowTaskStartedEventAttributes ?? e.markerRecordedEventAttributes?.markerName ?? '',
              ).slice(0, 150),
            );
        }
      };
      if ((await caller.logs(id)).body.job.state !== 'Cancelling') await dump();
      assert.equal((await caller.logs(id)).body.job.state, 'Cancelling');
      const again = await caller.cancel(id);
      assert.deepEqual([again.status, again.body.data.state], [200, 'Cancelling']);
      hold.release();

      const { job, data } = await caller.ended(id);
      const writes = proxy.requests(caller.rewrites());
      const late = writes.filter(({ arrivedAt }) => arrivedAt.monotonic > lastAllowed);
      if (late.length > 0) await dump();
      assert.equal(late.length, 0);
      assert.ok(writes.every(({ answeredAt }) => answeredAt !== undefined));
      assert.equal(job.state, 'Cancelled');
      assert.equal(job.counts.completed + job.counts.cancelled, 40);
      for (const { payload, state, message } of data) {
        const stored = await caller.stored(payload.fileName);
        assert.equal(state, stored === undefined ? 'Cancelled' : 'Completed', payload.fileName);
        assert.equal(payload.generation, stored?.generation ?? null);
        assert.match(message, state === 'Cancelled' ? /^CANCELLED: / : /^$/);
        if (stored !== undefined) assert.deepEqual(caller.writes([payload.fileName]), [1]);
      }
      const wasSent = writes.filter(({ name }) => /sent|lost/.test(name)).length;
      console.log(wasSent, job.counts, Math.max(...writes.map((w) => w.arrivedAt.monotonic)) - cancelledAt);
      assert.ok(job.counts.completed > wasSent && wasSent > 0 && job.counts.cancelled > 10);
      assert.deepEqual(await caller.locks(), []);
      assert.equal((await temporal.workflow.getHandle(id).describe()).status.name, closedAs);
      const afterEnd = await caller.cancel(id);
      assert.deepEqual([afterEnd.status, afterEnd.body.data], [409, job]);
    });
  }

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
