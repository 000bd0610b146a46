import assert from 'node:assert/strict';
import { JobNotFoundError, ServiceUnavailableError } from '../../../api/jobs/job-service.ts';
import { adminToken, assertAnswer, ID, JOB, readerToken, setUp, signToken } from '../support.ts';
import { copied, ENDED, EventReader, PATH, serve } from './support.ts';

describe('GET /apollo/status/events', () => {
  it('sends progress as the job goes on, then one end with the same job, and closes', async () => {
    let now = copied(1);
    const { listener, listenTo, clock, get } = await serve({ status: () => Promise.resolve(now) });
    const events = await listenTo();
    now = copied(500);
    await clock.pass(500);
    await events.count(2);
    now = ENDED;
    await clock.pass(500);
    assert.deepEqual(await events.names(), ['progress', 'progress', 'end']);
    const [first, second, end] = events.messages;
    assert.deepEqual([first?.data.counts.completed, second?.data.counts.completed], [1, 500]);
    assert.equal(end?.data.state, 'Completed');
    const page = (await (await get(`/apollo/status/logs?correlationId=${ID}`)).json()) as { job: object };
    assert.deepEqual(Object.keys(end.data), Object.keys(page.job));
    assert.equal(new Set(events.messages.map(({ id }) => id)).size, 3);
    await listener.close(1_000);
  });

  it('sends both for a job that has ended before', async () => {
    const { listener, open, looks } = await serve({ status: () => Promise.resolve(ENDED) });
    assert.deepEqual(await new EventReader(await open()).names(), ['progress', 'end']);
    assert.equal(looks(), 1);
    await listener.close(1_000);
  });

  it('sends at most two events a second, however fast the job goes on', async () => {
    let completed = 0;
    const { listener, listenTo, clock, looks } = await serve({ status: () => Promise.resolve(copied(++completed)) });
    const leaving = new AbortController();
    const events = await listenTo({}, leaving.signal);
    await clock.pass(10_000);
    assert.equal((await events.count(21)).length, 21);
    assert.equal(looks(), 21);
    leaving.abort();
    await listener.close(1_000);
  });

  it('looks less often at a job that stands still, and says with comments that it lives', async () => {
    const { listener, listenTo, clock, looks } = await serve({ status: () => Promise.resolve(JOB) });
    const leaving = new AbortController();
    const events = await listenTo({}, leaving.signal);
    await clock.pass(60_000);
    await events.commented(4);
    assert.equal(events.messages.length, 1);
    assert.ok(looks() < 35, `${looks()} looks`);
    leaving.abort();
    await listener.close(1_000);
  });

  it('goes on behind Last-Event-ID: nothing is told again', async () => {
    let now = copied(1);
    const { listener, listenTo, open, clock } = await serve({ status: () => Promise.resolve(now) });
    const leaving = new AbortController();
    const [first] = (await listenTo({}, leaving.signal)).messages;
    const again = new EventReader(await open({ 'last-event-id': first!.id }));
    await clock.pass(1_000);
    assert.equal(again.messages.length, 0);
    now = ENDED;
    await clock.pass(2_000);
    assert.deepEqual(await again.names(), ['progress', 'end']);
    // The last progress had come through, the end had not.
    const third = new EventReader(await open({ 'last-event-id': again.messages[0]!.id }));
    assert.deepEqual(await third.names(), ['end']);
    leaving.abort();
    await listener.close(1_000);
  });

  it('answers 204 to whoever has had the end, which stops an EventSource', async () => {
    const { listener, open } = await serve({ status: () => Promise.resolve(ENDED) });
    const events = new EventReader(await open());
    await events.names();
    const response = await open({ 'last-event-id': events.messages.at(-1)!.id });
    assert.equal(response.status, 204);
    await listener.close(1_000);
  });

  it('takes an event id that is none of ours for none', async () => {
    const { listener, open } = await serve({ status: () => Promise.resolve(ENDED) });
    assert.deepEqual(await new EventReader(await open({ 'last-event-id': 'x'.repeat(5_000) })).names(), [
      'progress',
      'end',
    ]);
    await listener.close(1_000);
  });

  it('can be read with apollo_read alone, by the caller and by administrators', async () => {
    const { listener, open } = await serve({ status: () => Promise.resolve(ENDED) });
    for (const bearer of [readerToken, adminToken]) {
      const events = new EventReader(await open({ authorization: `Bearer ${bearer}` }));
      assert.deepEqual(await events.names(), ['progress', 'end']);
    }
    await listener.close(1_000);
  });

  it('refuses as the other status routes do', async () => {
    const status = () => Promise.reject(new JobNotFoundError());
    const { get, request } = setUp({ jobs: { status } });
    await assertAnswer(await get(PATH), 404, 'No records found');
    await assertAnswer(await get('/apollo/status/events?correlationId=no-uuid'), 404, 'No records found');
    await assertAnswer(await get('/apollo/status/events'), 400, 'You must specify a  co-relation Id');
    await assertAnswer(await request(PATH), 401);
    const unscoped = await signToken({ scope: 'apollo_write' });
    await assertAnswer(await get(PATH, { authorization: `Bearer ${unscoped}` }), 403);
    const unavailable = setUp({
      jobs: { status: () => Promise.reject(new ServiceUnavailableError('temporal', new Error('down'))) },
    });
    await assertAnswer(await unavailable.get(PATH), 503);
  });

  it('answers HEAD without a stream, and watches nothing for it', async () => {
    const { app, looks, clock } = await serveHead();
    const response = await app.request(PATH, { method: 'HEAD', headers: { authorization: `Bearer ${readerToken}` } });
    assert.equal(response.status, 200);
    assert.equal(response.body, null);
    await clock.pass(10_000);
    assert.equal(looks(), 1);
  });

  async function serveHead() {
    const served = await serve({ status: () => Promise.resolve(JOB) });
    await served.listener.close(0);
    return served;
  }
});
