import assert from 'node:assert/strict';
import type { LaneGroup } from '../../../storage/pacing/lane-group.ts';
import { Lanes } from '../../../storage/pacing/lanes.ts';
import { RightOfWay } from '../../../storage/pacing/right-of-way.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const BUCKET = 'bucket';

describe('bulk work, where the process is at its limit,', () => {
  let clock: FakeClock;
  let isAtLimit: boolean;
  let rightOfWay: RightOfWay;
  let lanes: Lanes;
  /** When a bulk write was begun. */
  let begun: number[];

  beforeEach(() => {
    clock = new FakeClock();
    isAtLimit = true;
    rightOfWay = new RightOfWay({ isAtLimit: () => isAtLimit, clock });
    lanes = new Lanes({ lanes: 1, followsGuideline: false, rightOfWay, clock });
    begun = [];
  });

  /** Writes one file after the other, each of which takes a millisecond. */
  function writeOn(group = lanes.group({ priority: 'bulk' })): void {
    group.submit(BUCKET, {
      start() {
        begun.push(clock.now());
        clock.after(1, () => {
          group.leave(BUCKET);
          writeOn(group);
        });
      },
      dismiss: assert.fail,
    });
  }

  /** Has as many writes wait as there are lanes, none of which ends. */
  function submitMany(group: LaneGroup): void {
    for (let count = 0; count < lanes.size; count += 1) {
      group.submit(BUCKET, { start: () => begun.push(clock.now()), dismiss: assert.fail });
    }
  }

  const during = async (ms: number) => {
    const before = begun.length;
    await clock.pass(ms);
    return begun.length - before;
  };

  it('waits while short work is in hand, and goes on at once when that is done', async () => {
    writeOn();
    await clock.pass(10);
    const end = rightOfWay.begin();
    await clock.pass(2);
    assert.equal(await during(20), 0);
    end();
    assert.ok((await during(5)) >= 4);
  });

  it('does not keep short work waiting', () => {
    rightOfWay.begin();
    assert.equal(lanes.group({ priority: 'bulk' }).enter(BUCKET) instanceof Promise, true);
    assert.equal(lanes.group({ priority: 'short' }).enter(BUCKET), true);
  });

  it('has half of the time, however much short work there is', async () => {
    writeOn();
    for (let round = 0; round < 20; round += 1) {
      rightOfWay.begin();
      await clock.pass(100);
    }
    assert.ok(begun.length > 900 && begun.length < 1_100, `${begun.length} of 2,000`);
  });

  it('has as long for itself as it has waited', async () => {
    writeOn();
    await clock.pass(5);
    let end = rightOfWay.begin();
    await clock.pass(30);
    end();
    end = rightOfWay.begin();
    assert.ok((await during(29)) >= 28);
    await clock.pass(2);
    assert.equal(await during(20), 0);
    end();
  });

  it('has an eighth of the lanes while short work is expected, and all of them again though none of its writes ends', async () => {
    lanes = new Lanes({ lanes: 16, followsGuideline: false, rightOfWay, clock });
    const group = lanes.group({ priority: 'bulk' });
    rightOfWay.begin()();
    submitMany(group);
    await clock.pass(500);
    assert.deepEqual([lanes.inUse, lanes.waiting, lanes.isIdle], [2, 14, false]);
    isAtLimit = false;
    await clock.pass(150);
    assert.deepEqual([lanes.inUse, lanes.waiting], [16, 0]);
  });

  it('has all of the lanes after short work that comes alone: the admission of a bulk job, say', async () => {
    lanes = new Lanes({ lanes: 16, followsGuideline: false, rightOfWay, clock });
    const group = lanes.group({ priority: 'bulk' });
    const end = rightOfWay.begin({ isFollowed: false });
    submitMany(group);
    await clock.pass(10);
    assert.equal(lanes.inUse, 0);
    end();
    assert.equal(lanes.inUse, 16);
  });

  it('does not wait for what has been in hand for long', async () => {
    writeOn();
    rightOfWay.begin();
    await clock.pass(600);
    assert.ok((await during(200)) >= 199);
  });

  it('is owed no time for what came of no wait: what it asked for before was sent away long ago', async () => {
    const endLong = rightOfWay.begin();
    await clock.pass(470);
    {
      using group = lanes.group({ priority: 'bulk' });
      group.submit(BUCKET, { start: assert.fail, dismiss: () => undefined });
      await clock.pass(10);
    }
    await clock.pass(60_000);
    writeOn();
    await clock.pass(5);
    rightOfWay.begin();
    await clock.pass(2);
    assert.equal(await during(40), 0);
    endLong();
  });

  it('waits for nothing where the process is not at its limit', async () => {
    isAtLimit = false;
    writeOn();
    rightOfWay.begin();
    assert.ok((await during(200)) >= 199);
  });
});
