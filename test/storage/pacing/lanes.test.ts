import assert from 'node:assert/strict';
import { StorageError } from '../../../storage/errors.ts';
import type { LaneGroup } from '../../../storage/pacing/lane-group.ts';
import { Lanes } from '../../../storage/pacing/lanes.ts';
import { FakeClock, settled } from '../../support/fake-clock.ts';

const BUCKET = 'bucket';

describe('lanes', () => {
  let clock: FakeClock;
  /** Who got a lane, in order. */
  let admitted: string[];

  beforeEach(() => {
    clock = new FakeClock();
    admitted = [];
  });

  function makeLanes(lanes: number): Lanes {
    return new Lanes({ lanes, followsGuideline: false, clock });
  }

  /** Asks for a lane, so many times. */
  function ask(group: LaneGroup, name: string, { bucket = BUCKET, times = 1 } = {}): void {
    const wait = async () => {
      admitted.push((await group.enter(bucket)) ? name : `not ${name}`);
    };
    for (let count = 0; count < times; count += 1) wait().catch(assert.fail);
  }

  it('are given at once while there are any, and no more than there are', async () => {
    const group = makeLanes(2).group({ priority: 'bulk' });
    assert.equal(group.enter(BUCKET), true);
    assert.equal(group.enter(BUCKET), true);
    ask(group, 'third');
    await clock.pass(60_000);
    assert.deepEqual(admitted, []);
    group.leave(BUCKET);
    await settled();
    assert.deepEqual(admitted, ['third']);
  });

  it('go to short jobs first, whoever came first', async () => {
    const lanes = makeLanes(1);
    const [short, bulk] = [lanes.group({ priority: 'short' }), lanes.group({ priority: 'bulk' })];
    assert.equal(bulk.enter(BUCKET), true);
    ask(bulk, 'bulk', { times: 2 });
    await settled();
    ask(short, 'short', { times: 2 });
    for (let lane = 0; lane < 4; lane += 1) {
      await settled();
      bulk.leave(BUCKET);
    }
    await settled();
    assert.deepEqual(admitted, ['short', 'short', 'bulk', 'bulk']);
  });

  it('go round among groups of one priority', async () => {
    const lanes = makeLanes(1);
    const [one, other] = [lanes.group({ priority: 'bulk' }), lanes.group({ priority: 'bulk' })];
    assert.equal(one.enter(BUCKET), true);
    ask(one, 'one', { times: 3 });
    ask(other, 'other', { times: 2 });
    for (let lane = 0; lane < 5; lane += 1) {
      one.leave(BUCKET);
      await settled();
    }
    assert.deepEqual(admitted, ['one', 'other', 'one', 'other', 'one']);
  });

  it('go to the oldest group of a job, and round among jobs', async () => {
    const lanes = makeLanes(1);
    const [first, second] = [lanes.group({ priority: 'bulk', job: 'a' }), lanes.group({ priority: 'bulk', job: 'a' })];
    const other = lanes.group({ priority: 'bulk', job: 'b' });
    assert.equal(other.enter(BUCKET), true);
    ask(second, 'second', { times: 2 });
    ask(other, 'other', { times: 3 });
    ask(first, 'first', { times: 2 });
    for (let lane = 0; lane < 7; lane += 1) {
      other.leave(BUCKET);
      await settled();
    }
    assert.deepEqual(admitted, ['first', 'other', 'first', 'other', 'second', 'other', 'second']);
  });

  it('go to a younger group of a job while the older one has to wait for its rate or its bucket', async () => {
    const lanes = makeLanes(1);
    const [slow, quick] = [
      lanes.group({ priority: 'bulk', job: 'a', filesPerSecond: 1 }),
      lanes.group({ priority: 'bulk', job: 'a' }),
    ];
    assert.equal(slow.enter(BUCKET), true);
    ask(slow, 'slow', { times: 2 });
    ask(quick, 'quick', { times: 2 });
    for (let lane = 0; lane < 3; lane += 1) {
      slow.leave(BUCKET);
      await settled();
    }
    assert.deepEqual(admitted, ['quick', 'quick']);
    await clock.pass(1_005);
    assert.deepEqual(admitted, ['quick', 'quick', 'slow']);
  });

  it('are not kept by a bucket that has to wait', async () => {
    const lanes = makeLanes(1);
    const group = lanes.group({ priority: 'short' });
    assert.equal(group.enter('busy'), true);
    group.leave('busy', new StorageError('rateLimited', '429', { status: 429, retryAfterMs: 3_000 }));
    ask(group, 'busy', { bucket: 'busy' });
    ask(lanes.group({ priority: 'bulk' }), 'idle', { bucket: 'idle' });
    await settled();
    assert.deepEqual(admitted, ['idle']);
    group.leave('idle');
    await clock.pass(2_999);
    assert.deepEqual(admitted, ['idle']);
    await clock.pass(6);
    assert.deepEqual(admitted, ['idle', 'busy']);
    assert.equal(clock.pending, 0);
  });

  it('look again earlier where somebody may start earlier', async () => {
    const lanes = makeLanes(2);
    const group = lanes.group({ priority: 'bulk' });
    for (const [bucket, retryAfterMs] of [
      ['late', 9_000],
      ['early', 1_000],
    ] as const) {
      assert.equal(await group.enter(bucket), true);
      group.leave(bucket, new StorageError('unavailable', '503', { status: 503, retryAfterMs }));
      ask(group, bucket, { bucket });
    }
    await clock.pass(1_005);
    assert.deepEqual(admitted, ['early']);
    await clock.pass(8_005);
    assert.deepEqual(admitted, ['early', 'late']);
  });

  it('are given to a group as often as its own rate allows', async () => {
    const lanes = makeLanes(1_000);
    const slow = lanes.group({ priority: 'bulk', filesPerSecond: 50 });
    ask(slow, 'slow', { times: 1_000 });
    await clock.pass(10_000);
    assert.ok(Math.abs(admitted.length - 500) <= 2, `${admitted.length} in ten seconds`);
    ask(lanes.group({ priority: 'bulk' }), 'quick');
    await settled();
    assert.equal(admitted.at(-1), 'quick');
  });

  it('are given once in ten seconds to a group that may write as often as that', async () => {
    const slow = makeLanes(10).group({ priority: 'bulk', filesPerSecond: 0.1 });
    ask(slow, 'slow', { times: 10 });
    await clock.pass(30_500);
    assert.equal(admitted.length, 4);
  });

  it('are given to a group that goes on where others wrote at its rate once that allows one more', async () => {
    const next = makeLanes(10).group({ priority: 'bulk', filesPerSecond: 0.1, isContinued: true });
    ask(next, 'next', { times: 10 });
    await clock.pass(9_900);
    assert.equal(admitted.length, 0);
    await clock.pass(20_600);
    assert.equal(admitted.length, 3);
  });

  it('are not given to a group that is closed, and its waiting ones are sent away', async () => {
    const lanes = makeLanes(1);
    const [one, other] = [lanes.group({ priority: 'bulk' }), lanes.group({ priority: 'bulk' })];
    assert.equal(one.enter(BUCKET), true);
    ask(one, 'one', { times: 2 });
    ask(other, 'other');
    one.close();
    await settled();
    assert.deepEqual(admitted, ['not one', 'not one']);
    one.leave(BUCKET);
    await settled();
    assert.deepEqual(admitted, ['not one', 'not one', 'other']);
    assert.equal(one.enter(BUCKET), false);
  });

  it('come back from work that is done, or fails', async () => {
    const group = makeLanes(1).group({ priority: 'short' });
    assert.equal(await group.run(BUCKET, () => Promise.resolve(7)), 7);
    await assert.rejects(group.run(BUCKET, () => Promise.reject(new Error('no'))));
    assert.equal(await group.run(BUCKET, () => undefined), undefined);
    assert.equal(group.enter(BUCKET), true);
    group.close();
    assert.equal(await group.run(BUCKET, () => Promise.resolve(7)), undefined);
  });
});
