import assert from 'node:assert/strict';
import { pino } from 'pino';
import { createCollectionList } from '../../../api/collections/collection-list.ts';
import { makeTestStorage } from '../../support/emulator.ts';

describe('the collections in storage', function () {
  this.timeout(60_000);

  it('are the documents under collections/; what is no document, or a broken one, is nobody’s', async () => {
    const storage = await makeTestStorage();
    const { emulator, controlBucket } = storage;
    for (const collectionId of ['b', 'a', 'naïve 😀']) {
      const acl = { readonly: ['alice'] };
      await emulator.putCollection({ collectionId, collectionName: collectionId, bucket: 'bucket-1', prefix: '', acl });
    }
    for (const name of ['broken.json', 'nested/c.json', 'notes.txt', '.json']) {
      await emulator.putObject(controlBucket, `collections/${name}`, '{');
    }
    const problems: { problem?: string }[] = [];
    const log = pino({}, { write: (line: string) => problems.push(JSON.parse(line) as { problem?: string }) });
    const list = createCollectionList(storage.connect().collections, log);
    const found = await list(['alice'], 'readonly');
    assert.deepEqual(
      found.map(({ collectionId }) => collectionId),
      ['a', 'b', 'naïve 😀'],
    );
    assert.deepEqual(await list(['alice'], 'readwrite'), []);
    assert.deepEqual(await list(['bob'], 'readonly'), []);
    assert.match(problems[0]?.problem ?? '', /^collections\/broken\.json: /);
  });
});
