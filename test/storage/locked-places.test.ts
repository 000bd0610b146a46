import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { isStorageError } from '../../storage/errors.ts';
import { LockedPlaceStore } from '../../storage/locked-places.ts';
import type { LockTarget } from '../../storage/lock-targets.ts';
import { makeTestStorage, type TestStorage } from '../support/emulator.ts';

describe('LockedPlaceStore', () => {
  let test: TestStorage;
  let id: string;

  before(async () => {
    test = await makeTestStorage();
  });

  beforeEach(() => {
    id = randomUUID();
  });

  afterEach(() => {
    test.proxy.removeFaults();
  });

  /** What a process has that has just been started. */
  const newStore = () => new LockedPlaceStore(test.connect().objects, test.controlBucket);
  const PLACES: LockTarget[] = [
    { bucket: 'b', name: 'of\nany "name" 🗂' },
    { bucket: 'b', prefix: '' },
  ];

  it('gives what was kept, to every process', async () => {
    const name = await newStore().keep(id, PLACES);
    assert.deepEqual(await newStore().read(id, name), PLACES);
  });

  it('keeps the same twice as one, and other places beside them', async () => {
    const [one, again] = [await newStore().keep(id, PLACES), await newStore().keep(id, PLACES)];
    const other = await newStore().keep(id, PLACES.slice(1));
    assert.equal(one, again);
    assert.deepEqual(await newStore().read(id, one), PLACES);
    assert.deepEqual(await newStore().read(id, other), PLACES.slice(1));
  });

  it('reads the places of a job once, however many chunks ask for them', async () => {
    const name = await newStore().keep(id, PLACES);
    const store = newStore();
    const reads = test.proxy.requestsFromNow({ operation: 'read' });
    for (let chunk = 0; chunk < 3; chunk += 1) await store.read(id, name);
    assert.equal(reads().length, 1);
  });

  it('has a long list in mind as well, for which it forgets others', async () => {
    const many = Array.from({ length: 150_000 }, (_, index) => ({ bucket: 'b', name: String(index) }));
    const [few, long] = [await newStore().keep(id, PLACES), await newStore().keep(id, many)];
    const store = newStore();
    await store.read(id, few);
    const reads = test.proxy.requestsFromNow({ operation: 'read' });
    for (let chunk = 0; chunk < 2; chunk += 1) assert.equal((await store.read(id, long))?.length, many.length);
    assert.equal(reads().length, 1);
    await store.read(id, few);
    assert.equal(reads().length, 2);
  });

  it('has none under a name that nothing was kept by, or for another job', async () => {
    const name = await newStore().keep(id, PLACES);
    assert.equal(await newStore().read(randomUUID(), name), undefined);
  });

  it('says that what is there is none of its own', async () => {
    await test.emulator.putObject(test.controlBucket, `jobs/${id}/locked/x.ndjson`, 'nonsense');
    await assert.rejects(newStore().read(id, 'x'), (error) => isStorageError(error, 'malformed'));
  });
});
