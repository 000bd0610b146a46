import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { CONTROL_BUCKET } from '../../dev/stack.ts';
import {
  delay,
  holdAfter,
  holdBefore,
  inCalls,
  resetAfter,
  resetBefore,
  type Hold,
} from '../support/storage-proxy/index.ts';
import { pendingActivities } from './support/activities.ts';
import type { Caller } from './support/caller.ts';
import type { LogsBody } from './support/http.ts';
import { until } from './support/until.ts';
import { useWorld } from './support/world.ts';

/** After the answer to a cancellation, in milliseconds: where the worker that had the job was killed, no later write begins. */
const HEARD_WITHIN_MS = 3_000;

/** In so many calls a file is written that is long under way. */
const LONG_CALLS = 40;

/** All files Completed, each once in the record, written once and equal to its source; and no lock left. */
async function assertWhole(caller: Caller, names: readonly string[], { job, data }: LogsBody): Promise<void> {
  assert.equal(job.state, 'Completed');
  assert.deepEqual(
    data.map(({ payload, state }) => [payload.fileName, state]),
    names.map((name) => [name, 'Completed']),
  );
  assert.deepEqual(
    caller.writes(names),
    names.map(() => 1),
  );
  for (const [index, name] of names.entries()) {
    assert.equal(await caller.content(name), `content of ${name}`);
    assert.equal((await caller.stored(name))?.generation, data[index]!.payload.generation);
  }
  assert.deepEqual(await caller.locks(), []);
}

describe('a job outlives', function () {
  this.timeout(90_000);
  const world = useWorld('rough');

  /** Has a file written in many calls, and holds those from the second half on. */
  function holdHalfWay(caller: Caller, fileName: string): Hold {
    const { proxy } = world();
    const isCall = caller.rewrites(fileName);
    const hold = holdBefore();
    proxy.inject(isCall, inCalls(LONG_CALLS));
    proxy.inject((request) => isCall(request) && proxy.requests(isCall).length > LONG_CALLS / 2, hold);
    return hold;
  }

  it('its worker, killed with files in every phase of being copied: nothing is written twice', async () => {
    const { stack, proxy, temporal } = world();
    const caller = await world().newCaller();
    const names = await caller.files(9);
    const [unread, sent = '', unsent = '', lost = '', cut = '', long = '', ...confirmed] = names;

    const requestsFor = (name: string) => proxy.requests(caller.rewrites(name));

    // Held one way or another until the worker is dead.
    const beforeRead = holdBefore();
    const beforeWrite = holdBefore();
    const afterWrite = holdAfter();
    proxy.inject(caller.sourceStats(unread), beforeRead);
    proxy.inject(caller.rewrites(sent), beforeWrite);
    proxy.inject(caller.rewrites(unsent), beforeWrite, { times: 1 });
    proxy.inject(caller.rewrites(unsent), resetBefore(), { times: 1 });
    proxy.inject(caller.rewrites(lost), afterWrite);
    proxy.inject(caller.rewrites(cut), resetAfter(), { times: 1 });
    const isReadAgain = caller.sourceStats(cut);
    proxy.inject((request) => requestsFor(cut).length > 0 && isReadAgain(request), beforeRead);
    const halfWay = holdHalfWay(caller, long);

    const id = await caller.start(names);
    await Promise.all([beforeRead, beforeWrite, afterWrite, halfWay].map(({ reached }) => reached));
    await until('all kinds of files are under way', async () => {
      const { data } = (await caller.logs(id, { state: 'Completed' })).body;
      return (
        confirmed.every((name) => data.some(({ payload }) => payload.fileName === name)) &&
        [sent, unsent].every((name) => requestsFor(name).length > 0) &&
        requestsFor(cut)[0]?.status === 'reset'
      );
    });
    // The token of the long one travels in heartbeats: without one, the next attempt has nothing to go on from.
    const token = requestsFor(long).at(-1)?.query['rewriteToken'] ?? '';
    assert.notEqual(token, '');
    await until('Temporal has heard how far the long one is', async () =>
      (await pendingActivities(temporal, id)).some(({ heartbeatDetails }) =>
        (heartbeatDetails?.payloads ?? []).some(({ data }) => Buffer.from(data ?? []).includes(token)),
      ),
    );
    await stack.worker.kill();
    const written = [...confirmed, lost, cut];
    const writeRequests = () => written.map((name) => requestsFor(name).length);
    const before = writeRequests();
    for (const hold of [beforeRead, beforeWrite, afterWrite, halfWay]) hold.release();

    await stack.worker.start();
    await assertWhole(caller, names, await caller.ended(id));
    // What had been written was recognised: no write was even tried again.
    assert.deepEqual(writeRequests(), before);
    // The long one went on where it was: only the call that was under way was made again.
    assert.equal(requestsFor(long).length, LONG_CALLS + 1);
  });

  it('the API, killed while a POST is under way: the same POST is then answered, and nothing is done twice', async () => {
    const { stack, proxy, temporal } = world();
    const caller = await world().newCaller();
    const names = await caller.files(3);
    const admission = holdBefore();
    const document = `collections/${caller.destinationId}.json`;
    proxy.inject({ operation: 'read', bucket: CONTROL_BUCKET, name: document }, admission);

    const id = randomUUID();
    const underWay = assert.rejects(caller.copy(names, { id }));
    await admission.reached;
    await stack.api.kill();
    await underWay;
    admission.release();
    await temporal.workflow.getHandle(id).result();

    await stack.api.start();
    for (const answer of await Promise.all([caller.decided(names, { id }), caller.decided(names, { id })])) {
      assert.equal(answer.status, 200);
      assert.equal(answer.body.data.CorrelationId, id);
    }
    await assertWhole(caller, names, await caller.ended(id));
  });

  it('its worker, killed just before it is cancelled: another one hears of that within three seconds', async () => {
    const { stack, proxy } = world();
    const caller = await world().newCaller();
    // More than one worker takes at a time; each is written in calls for twenty seconds.
    const names = await caller.files(100);
    proxy.inject(caller.rewrites(), inCalls(LONG_CALLS));
    proxy.inject(caller.rewrites(), delay(500));
    const calls = () => proxy.requests(caller.rewrites()).length;
    const other = await stack.addWorker('Another worker');
    try {
      const id = await caller.start(names);
      await until('one worker has what it takes', () => calls() > 0);
      await other.start();
      await stack.worker.kill();
      const before = calls();
      await until('the other one has some files', () => calls() > before + 10);
      assert.equal((await caller.cancel(id)).status, 200);
      const lastAllowed = performance.now() + HEARD_WITHIN_MS;
      await until('the time for that has passed', () => performance.now() > lastAllowed + 2_000);
      const late = proxy.requests(caller.rewrites()).filter(({ arrivedAt }) => arrivedAt.monotonic > lastAllowed);
      assert.equal(late.length, 0);
      const { job } = await caller.ended(id);
      assert.equal(job.state, 'Cancelled');
      assert.deepEqual(await caller.locks(), []);
    } finally {
      await other.kill();
    }
  });

  it('worker and API, killed while it is paused: it stays paused, and once resumed writes each file once', async () => {
    const { stack, proxy } = world();
    const caller = await world().newCaller();
    const names = await caller.files(12);
    const [sent = '', long = ''] = names;
    const hold = holdBefore();
    proxy.inject(caller.rewrites(sent), hold);
    const halfWay = holdHalfWay(caller, long);
    const id = await caller.start(names);
    await Promise.all([hold.reached, halfWay.reached]);
    assert.equal((await caller.pause(id)).body.data.state, 'Paused');
    hold.release();

    await Promise.all([stack.worker.kill(), stack.api.kill()]);
    halfWay.release();
    await Promise.all([stack.worker.start(), stack.api.start()]);
    const { body } = await caller.logs(id);
    assert.equal(body.job.state, 'Paused');
    assert.equal((await caller.locks()).length, 12, 'it keeps its locks');
    proxy.removeFaults();
    assert.equal((await caller.resume(id)).status, 200);
    await assertWhole(caller, names, await caller.ended(id));
  });

  it('Temporal, killed with files being copied and started again on its database: nothing is written twice', async () => {
    const { stack, proxy } = world();
    const caller = await world().newCaller();
    const names = await caller.files(12);
    const beforeWrite = holdBefore();
    const afterWrite = holdAfter();
    proxy.inject(caller.rewrites(names[2]), beforeWrite);
    proxy.inject(caller.rewrites(names[3]), afterWrite);

    const id = await caller.start(names);
    await Promise.all([beforeWrite.reached, afterWrite.reached]);
    await stack.temporal.kill();
    // Copying goes on; what came of it can be told only later.
    beforeWrite.release();
    afterWrite.release();
    await stack.temporal.start();
    await assertWhole(caller, names, await caller.ended(id, { through503: true }));
  });
});
