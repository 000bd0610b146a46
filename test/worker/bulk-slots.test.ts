import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { BulkSlots } from '../../worker/bulk-slots.ts';

type Permit = Awaited<ReturnType<BulkSlots['reserveSlot']>>;

describe('slots for activities of bulk jobs', () => {
  const lanes = { isIdle: true };
  let slots: BulkSlots;

  beforeEach(() => {
    lanes.isIdle = true;
    slots = new BulkSlots(lanes);
  });

  /** Takes as many as are given at once, each for an activity that is there. */
  function takeAll(): Permit[] {
    const taken: Permit[] = [];
    for (let permit = slots.tryReserveSlot(); permit !== null; permit = slots.tryReserveSlot()) {
      taken.push(permit);
      slots.markSlotUsed({ permit });
    }
    return taken;
  }

  it('are a few while every lane is in use', () => {
    lanes.isIdle = false;
    assert.equal(takeAll().length, 3);
  });

  it('are one more whenever a lane is free, one at a time, up to a bound', () => {
    lanes.isIdle = false;
    takeAll();
    lanes.isIdle = true;
    const next = slots.tryReserveSlot();
    assert.ok(next !== null);
    assert.equal(slots.tryReserveSlot(), null, 'one is on its way');
    slots.markSlotUsed({ permit: next });
    assert.equal(takeAll().length, 46);
  });

  it('are given again once an activity has ended, or was not there', () => {
    lanes.isIdle = false;
    const [first = assert.fail()] = takeAll();
    assert.equal(slots.tryReserveSlot(), null);
    slots.releaseSlot({ permit: first });
    const unused = slots.tryReserveSlot();
    assert.ok(unused !== null);
    slots.releaseSlot({ permit: unused });
    assert.equal(takeAll().length, 1);
  });

  it('are waited for, until nobody needs one any more', async () => {
    lanes.isIdle = false;
    const [first = assert.fail()] = takeAll();
    const stop = new AbortController();
    const waiting = slots.reserveSlot(undefined, stop.signal);
    slots.releaseSlot({ permit: first });
    await waiting;
    const given = slots.reserveSlot(undefined, stop.signal);
    const told = given.then(
      () => 'given',
      (error: unknown) => (error as Error).name,
    );
    assert.equal(await Promise.race([told, delay(120, 'waiting')]), 'waiting');
    stop.abort();
    assert.equal(await told, 'AbortError');
  });
});
