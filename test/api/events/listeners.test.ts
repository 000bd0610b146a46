import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { JobNotFoundError, ServiceUnavailableError, type Viewer } from '../../../api/jobs/job-service.ts';
import type { JobStatus } from '../../../contract/messages.ts';
import { settled } from '../../support/fake-clock.ts';
import { adminToken, assertAnswer, JOB, signToken, token } from '../support.ts';
import { copied, ENDED, EventReader, PATH, serve } from './support.ts';

describe('many listeners', () => {
  it('of one job cost one look at a time, and each gets its end', async () => {
    let now = copied(1);
    const { listener, open, clock, looks } = await serve({ status: () => Promise.resolve(now) });
    const all = await Promise.all(Array.from({ length: 200 }, async () => new EventReader(await open())));
    await Promise.all(all.map((events) => events.count(1)));
    await settled();
    let completed = 1;
    for (let second = 0; second < 20; second += 1) {
      now = copied(++completed);
      await clock.pass(1_000);
    }
    assert.ok(looks() < 25, `${looks()} looks`);
    now = ENDED;
    await clock.pass(1_500);
    for (const events of all) {
      assert.equal((await events.names()).at(-1), 'end');
      // Twenty events a second in all: with two hundred listeners, one every 10 s for each.
      assert.ok(events.messages.length <= 5, `${events.messages.length} events`);
    }
    await listener.close(1_000);
  });

  it('see the job only where each of them may', async () => {
    const status = (_id: string, { caller, isAdmin }: Viewer) =>
      isAdmin || caller === 'alice' ? Promise.resolve(JOB) : Promise.reject(new JobNotFoundError());
    const { listener, open, listenTo, clock, looks } = await serve({ status });
    const leaving = new AbortController();
    await listenTo({}, leaving.signal);
    const bob = { authorization: `Bearer ${await signToken({ sub: 'bob' })}` };
    await assertAnswer(await open(bob), 404);
    await listenTo({ authorization: `Bearer ${adminToken}` }, leaving.signal);
    assert.equal(looks(), 3);
    await clock.pass(500);
    assert.equal(looks(), 4);
    leaving.abort();
    await listener.close(1_000);
  });

  it('past their bound are answered 429, or 503, until one has left', async () => {
    const { listener, open, listenTo, clock } = await serve({
      status: () => Promise.resolve(JOB),
      limits: { listeners: { total: 3, perCaller: 2 } },
    });
    const [one, others] = [new AbortController(), new AbortController()];
    await listenTo({}, one.signal);
    await listenTo({}, others.signal);
    const refused = await open();
    assert.match(refused.headers.get('retry-after') ?? '', /^\d+$/);
    await assertAnswer(refused, 429);
    const bob = { authorization: `Bearer ${await signToken({ sub: 'bob' })}` };
    await listenTo(bob, others.signal);
    await assertAnswer(await open(bob), 503);
    one.abort();
    let response = await open({}, others.signal);
    while (response.status === 503) response = await open({}, others.signal);
    assert.equal(response.status, 200);
    await clock.pass(500);
    others.abort();
    await listener.close(1_000);
  });

  it('of too many jobs are answered 429', async () => {
    const { listener, open } = await serve({
      status: () => Promise.resolve(JOB),
      limits: { watchedJobs: { total: 0, perCaller: 0 } },
    });
    await assertAnswer(await open(), 429);
    await listener.close(1_000);
  });

  it('that have gone are not looked after: the last one ends the looking', async () => {
    const { listener, listenTo, clock, looks } = await serve({ status: () => Promise.resolve(JOB) });
    const [one, other] = [new AbortController(), new AbortController()];
    await listenTo({}, one.signal);
    await listenTo({}, other.signal);
    one.abort();
    other.abort();
    while (clock.pending > 0) await settled();
    const before = looks();
    await clock.pass(60_000);
    assert.equal(looks(), before);
    await listener.close(1_000);
  });
});

describe('a stream of events', () => {
  it('that its client did not wait for is not begun: nothing is looked at, and no place is taken', async () => {
    const [looked, status] = [Promise.withResolvers<undefined>(), Promise.withResolvers<JobStatus>()];
    const { listener, listenTo, clock, looks } = await serve({
      status: () => {
        looked.resolve(undefined);
        return status.promise;
      },
      limits: { listeners: { total: 1, perCaller: 1 } },
    });
    const socket = connect(Number(new URL(listener.url).port), '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write(`GET ${PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n\r\n`);
    await looked.promise;
    socket.resetAndDestroy();
    await once(socket, 'close');
    status.resolve(JOB);
    await settled();
    while (clock.pending > 0) await settled();
    await clock.pass(60_000);
    assert.equal(looks(), 1);
    const gone = new AbortController();
    await listenTo({}, gone.signal);
    gone.abort();
    await listener.close(1_000);
  });

  it('is ended where the client takes nothing any more', async () => {
    // More than the buffers of both sides of a connection.
    const status = () => Promise.resolve({ ...JOB, message: 'x'.repeat(16 * 1024 * 1024) });
    const { listener, clock, lines } = await serve({ status });
    const socket = connect(Number(new URL(listener.url).port), '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write(`GET ${PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n\r\n`);
    await once(socket, 'readable');
    // The next write, a heartbeat, is not taken.
    for (let passed = 0; lines.every(({ msg }) => msg !== 'a listener that takes nothing is disconnected'); passed++) {
      assert.ok(passed < 100);
      await clock.pass(1_000);
    }
    socket.resume();
    await once(socket, 'close');
    assert.equal(clock.pending, 0);
    await listener.close(1_000);
  });

  it('ends with the process, without an end event', async () => {
    const stopping = new AbortController();
    const { listener, listenTo, clock } = await serve({
      status: () => Promise.resolve(JOB),
      stopping: stopping.signal,
    });
    const events = await listenTo();
    const closed = listener.close(60_000);
    stopping.abort();
    assert.deepEqual(await events.names(), ['progress']);
    await closed;
    assert.equal(clock.pending, 0);
  });

  it('ends after a quarter of an hour, so that the token is looked at again', async () => {
    const { listener, listenTo, clock } = await serve({ status: () => Promise.resolve(JOB) });
    const events = await listenTo();
    await clock.pass(15 * 60_000);
    assert.deepEqual(await events.names(), ['progress']);
    await listener.close(1_000);
  });

  it('outlasts half a minute in which the job cannot be read, not more', async () => {
    let isDown = false;
    let completed = 0;
    const status = () => {
      completed += 1;
      if (isDown) return Promise.reject(new ServiceUnavailableError('temporal', new Error('down')));
      return Promise.resolve(copied(completed));
    };
    const { listener, listenTo, clock } = await serve({ status });
    const events = await listenTo();
    isDown = true;
    await clock.pass(20_000);
    isDown = false;
    await clock.pass(2_000);
    const before = (await events.count(2)).length;
    isDown = true;
    await clock.pass(20_000);
    isDown = false;
    await clock.pass(2_000);
    await events.count(before + 1);
    isDown = true;
    await clock.pass(40_000);
    assert.ok(!(await events.names()).includes('end'));
    await listener.close(1_000);
  });

  it('ends where the job is gone', async () => {
    let isGone = false;
    const status = () => (isGone ? Promise.reject(new JobNotFoundError()) : Promise.resolve(JOB));
    const { listener, listenTo, clock } = await serve({ status });
    const events = await listenTo();
    isGone = true;
    await clock.pass(500);
    assert.deepEqual(await events.names(), ['progress']);
    await listener.close(1_000);
  });
});
