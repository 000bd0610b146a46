import assert from 'node:assert/strict';
import { answerError, resetAfter } from '../../support/storage-proxy/index.ts';
import { prepareCopy } from './copying.ts';
import { failsWith, makeActivityTest, type ActivityTest } from '../support.ts';

describe('findCopy', () => {
  let test: ActivityTest;

  before(async () => {
    test = await makeActivityTest();
  });

  afterEach(() => {
    test.proxy.removeFaults();
  });

  it('finds what the job has written, and tells of it as the copy would have', async () => {
    const copying = await prepareCopy(test, { existing: 'theirs' });
    const outcome = await test.run('copyFile', copying.task);
    assert.deepEqual(await test.run('findCopy', copying.task), outcome);
  });

  it('finds a copy whose answer was lost', async () => {
    const copying = await prepareCopy(test);
    copying.inject('rewrite', resetAfter());
    await assert.rejects(test.run('copyFile', copying.task));
    const { bucket, name } = copying.task.destination;
    const made = await test.emulator.statObject(bucket, name);
    assert.equal((await test.run('findCopy', copying.task))?.generation, made?.generation);
  });

  it('finds nothing where there is none', async () => {
    const copying = await prepareCopy(test);
    assert.equal(await test.run('findCopy', copying.task), null);
  });

  it('finds nothing where the same content was there before the lock', async () => {
    const copying = await prepareCopy(test, { existing: 'content' });
    assert.equal(await test.run('findCopy', copying.task), null);
  });

  it('finds nothing where somebody else has written', async () => {
    const copying = await prepareCopy(test);
    await copying.putDestination('theirs');
    assert.equal(await test.run('findCopy', copying.task), null);
  });

  it('finds nothing where the source has gone: nobody can say whose it is', async () => {
    const copying = await prepareCopy(test);
    await test.run('copyFile', copying.task);
    await copying.deleteSource();
    assert.equal(await test.run('findCopy', copying.task), null);
  });

  it('writes nothing', async () => {
    const copying = await prepareCopy(test);
    await test.run('findCopy', copying.task);
    assert.equal(await copying.content(), undefined);
    assert.equal(copying.rewrites().length, 0);
  });

  it('is tried again where storage fails', async () => {
    const copying = await prepareCopy(test);
    copying.inject('stat destination', answerError(503));
    await failsWith(test.run('findCopy', copying.task), 'STORAGE_UNAVAILABLE', { retryable: true });
  });
});
