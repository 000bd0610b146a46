import assert from 'node:assert/strict';
import type { JobOwner } from '../../../contract/messages.ts';
import { lockName } from '../../../storage/lock-names.ts';
import { answerError, holdBefore, resetAfter } from '../../support/storage-proxy/index.ts';
import { newPlace, type Place } from './locking.ts';
import { failsWith, makeActivityTest, newOwner, type ActivityTest } from '../support.ts';

describe('releaseLocks', () => {
  let test: ActivityTest;
  let place: Place;
  let owner: JobOwner;

  before(async () => {
    test = await makeActivityTest();
  });

  beforeEach(() => {
    place = newPlace(test);
    owner = newOwner();
  });

  afterEach(() => {
    test.proxy.removeFaults();
    test.logged.splice(0);
  });

  /** Takes these locks, and gives the task that releases them. */
  async function taken(...names: string[]) {
    const result = await place.take(owner, names);
    assert.ok(result.locked);
    const locks = names.map((name, index) => ({
      target: place.destination(name),
      generation: result.locks[index]?.generation ?? '',
    }));
    return { owner, locks };
  }

  it('gives all locks back', async () => {
    const names = Array.from({ length: 50 }, (_, index) => `file ${index}`);
    await test.run('releaseLocks', await taken(...names));
    assert.deepEqual(await place.locksOn(...names), []);
    assert.deepEqual(test.logged, []);
  });

  it('may be repeated', async () => {
    const task = await taken('a', 'b');
    await test.run('releaseLocks', task);
    await test.run('releaseLocks', task);
    assert.deepEqual(test.logged, []);
  });

  it('leaves a lock that was taken over, and says so in the log', async () => {
    const task = await taken('a', 'b');
    const [lock] = await place.locksOn('a');
    assert.ok(lock !== undefined);
    const next = newOwner();
    const held = await test.storage.locks.takeOver(lock, next);
    await test.run('releaseLocks', task);
    assert.deepEqual(await place.locksOn('a', 'b'), [held]);
    const [line] = test.logged;
    assert.deepEqual(
      { correlationId: line?.['correlationId'], msg: line?.['msg'], holder: line?.['holder'] },
      { correlationId: owner.correlationId, msg: 'a lock was lost before its release', holder: next },
    );
  });

  it('takes a lock that a person has broken for given back', async () => {
    const task = await taken('a');
    const { bucket, name } = { bucket: test.controlBucket, name: lockName(place.destination('a')) };
    await test.emulator.deleteObject(bucket, name);
    await test.run('releaseLocks', task);
    assert.deepEqual(test.logged, []);
  });

  it('goes on where an answer was lost', async () => {
    const task = await taken('a', 'b');
    test.proxy.inject({ operation: 'delete', bucket: test.controlBucket }, resetAfter(), { times: 1 });
    await failsWith(test.run('releaseLocks', task), 'STORAGE_UNAVAILABLE', { retryable: true });
    await test.run('releaseLocks', task, { attempt: 2 });
    assert.deepEqual(await place.locksOn('a', 'b'), []);
    assert.deepEqual(test.logged, []);
  });

  it('is tried again where storage fails', async () => {
    const task = await taken('a');
    test.proxy.inject({ operation: 'delete', bucket: test.controlBucket }, answerError(503), { times: 1 });
    await failsWith(test.run('releaseLocks', task), 'STORAGE_UNAVAILABLE', { retryable: true });
  });

  for (const isLocal of [false, true]) {
    it(isLocal ? 'sends no heartbeats where it runs locally' : 'heartbeats while it lasts', async () => {
      const task = await taken('a');
      const held = holdBefore();
      test.proxy.inject({ operation: 'delete', bucket: test.controlBucket }, held);
      const { environment, result } = test.start('releaseLocks', task, { isLocal });
      let beats = 0;
      environment.on('heartbeat', () => (beats += 1));
      await held.reached;
      // Longer than between two heartbeats.
      await new Promise((resolve) => setTimeout(resolve, 450));
      held.release();
      await result;
      assert.equal(beats > 0, !isLocal);
    });
  }
});
