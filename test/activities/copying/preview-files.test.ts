import assert from 'node:assert/strict';
import type { Overwrite } from '../../../contract/messages.ts';
import { answerError } from '../../support/storage-proxy/index.ts';
import { prepareCopy, type Copying } from './copying.ts';
import { failsWith, makeActivityTest, type ActivityTest } from '../support.ts';

describe('previewFiles', () => {
  let test: ActivityTest;

  before(async () => {
    test = await makeActivityTest();
  });

  afterEach(() => {
    test.proxy.removeFaults();
  });

  async function preview(copyings: Copying[], overwrite: Overwrite): Promise<string[]> {
    const outcomes = await test.run('previewFiles', { files: copyings.map(({ task }) => task), overwrite });
    for (const { state } of outcomes) assert.equal(state, 'Skipped');
    return outcomes.map(({ message }) => message);
  }

  it('tells what would happen to each file, in their order', async () => {
    const absent = await prepareCopy(test, { source: 'content' });
    const different = await prepareCopy(test, { existing: 'theirs' });
    const same = await prepareCopy(test, { existing: 'content' });
    const missing = await prepareCopy(test, { existing: 'theirs' });
    await missing.deleteSource();
    const files = [absent, different, same, missing];
    const [copied, replaced] = ['DRY_RUN: would be copied, 7 bytes', 'DRY_RUN: would replace the destination, 7 bytes'];
    const failed = 'DRY_RUN: would fail: SOURCE_NOT_FOUND';
    const exists = 'DRY_RUN: would be skipped: DESTINATION_EXISTS';
    assert.deepEqual(await preview(files, 'always'), [copied, replaced, replaced, failed]);
    assert.deepEqual(await preview(files, 'never'), [copied, exists, exists, failed]);
    const unchanged = 'DRY_RUN: would be skipped: DESTINATION_UNCHANGED';
    assert.deepEqual(await preview(files, 'ifDifferent'), [copied, replaced, unchanged, failed]);
  });

  it('tells of a file that storage refuses why it would fail, as its copy would', async () => {
    const refused = await prepareCopy(test);
    const copied = await prepareCopy(test, { source: 'content' });
    refused.inject('stat source', answerError(403));
    const [message = '', other] = await preview([refused, copied], 'always');
    assert.match(message, /^DRY_RUN: would fail: STORAGE_FORBIDDEN: Cloud Storage answered: 403/);
    assert.equal(other, 'DRY_RUN: would be copied, 7 bytes');
  });

  it('writes nothing', async () => {
    const copying = await prepareCopy(test, { existing: 'theirs' });
    await preview([copying], 'always');
    assert.equal(await copying.content(), 'theirs');
    assert.equal(copying.rewrites().length, 0);
  });

  it('is tried again where storage fails', async () => {
    const copying = await prepareCopy(test);
    copying.inject('stat source', answerError(503));
    await failsWith(preview([copying], 'always'), 'STORAGE_UNAVAILABLE', { retryable: true });
  });
});
