import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import {
  hasPermission,
  locationOf,
  PERMISSION_LEVELS,
  type CollectionCatalogue,
  type CollectionDocument,
  type Permission,
} from '../../storage/collections.ts';
import { makeTestStorage, type TestStorage } from '../support/emulator.ts';
import { usePassedTime } from '../support/passed-time.ts';
import { answerError } from '../support/storage-proxy/index.ts';
import { failsAs } from './assertions.ts';

const ACL = { owner: [], admin: [], readwrite: [], readonly: [] };

function documentOf(collectionId: string, changes: object = {}): CollectionDocument {
  return { collectionId, collectionName: 'A collection', bucket: 'files', prefix: 'a/', acl: { ...ACL }, ...changes };
}

describe('collection catalogue', () => {
  let storage: TestStorage;
  let collections: CollectionCatalogue;
  let id: string;
  const passTime = usePassedTime();

  before(async () => {
    storage = await makeTestStorage();
    ({ collections } = storage.connect());
  });

  beforeEach(() => {
    id = randomUUID();
  });

  afterEach(() => {
    storage.proxy.removeFaults();
  });

  async function put(content: string, contentType = 'application/json'): Promise<void> {
    await storage.emulator.putObject(storage.controlBucket, `collections/${id}.json`, content, { contentType });
  }

  async function problem(): Promise<string> {
    const lookup = await collections.find(id);
    assert.ok(!lookup.found, 'it was found');
    assert.ok(lookup.problem.startsWith(`collections/${id}.json`), lookup.problem);
    return lookup.problem;
  }

  it('gives a collection with the generation of its document', async () => {
    await put(JSON.stringify(documentOf(id, { acl: { ...ACL, owner: ['ann'] } })));
    const { generation } = (await storage.emulator.statObject(storage.controlBucket, `collections/${id}.json`)) ?? {};
    const collection = { ...documentOf(id, { acl: { ...ACL, owner: ['ann'] } }), generation };
    assert.deepEqual(await collections.find(id), { found: true, collection });
  });

  it('reads a document of another content type, with further fields and without empty lists', async () => {
    await put(JSON.stringify({ ...documentOf(id), acl: {}, note: 'ours', error: { code: 503 } }), 'text/plain');
    const lookup = await collections.find(id);
    assert.ok(lookup.found);
    assert.deepEqual(lookup.collection.acl, ACL);
  });

  it('finds ids with slashes and other letters', async () => {
    for (id of ['a/b', 'ü #?%', '🗂️']) {
      await put(JSON.stringify(documentOf(id)));
      assert.ok((await collections.find(id)).found, id);
    }
  });

  it('says that there is none', async () => {
    assert.match(await problem(), /does not exist$/);
  });

  it('says that a document is no JSON', async () => {
    for (const content of ['{"collectionId": ', '', 'no access for anyone', '\u0000']) {
      await put(content);
      assert.match(await problem(), /no JSON/);
      await put(content, 'text/plain');
      assert.match(await problem(), /no JSON/);
    }
  });

  it('says what is wrong with the shape of a document', async () => {
    const { bucket: _bucket, ...withoutBucket } = documentOf(id);
    const wrong: [unknown, RegExp][] = [
      [null, /invalid/],
      [[], /invalid/],
      [withoutBucket, /bucket/],
      [documentOf(id, { bucket: '' }), /bucket/],
      [documentOf(id, { prefix: 7 }), /prefix/],
      [documentOf(id, { acl: undefined }), /acl/],
      [documentOf(id, { acl: { ...ACL, readonly: 'ann' } }), /acl\.readonly/],
      [documentOf(id, { acl: { ...ACL, owner: [null] } }), /acl\.owner\[0\]/],
    ];
    for (const [content, expected] of wrong) {
      await put(JSON.stringify(content));
      assert.match(await problem(), expected, JSON.stringify(content));
    }
  });

  it('refuses a document that points at the control bucket, where access lists and locks are', async () => {
    await put(JSON.stringify(documentOf(id, { bucket: storage.controlBucket })));
    assert.match(await problem(), /points at the control bucket$/);
  });

  it('refuses a document that describes another collection', async () => {
    await put(JSON.stringify(documentOf('another')));
    assert.match(await problem(), /describes another collection: another$/);
  });

  it('remembers a collection as it was last read, until it is gone', async () => {
    assert.equal(collections.recall(id), undefined);
    for (const collectionName of ['before', 'after']) {
      await put(JSON.stringify(documentOf(id, { collectionName })));
      await collections.find(id);
      assert.equal(collections.recall(id)?.collectionName, collectionName);
    }
    storage.proxy.inject({ name: `collections/${id}.json` }, answerError(503), { times: 1 });
    await failsAs(collections.find(id), 'unavailable');
    assert.equal(collections.recall(id)?.collectionName, 'after');
    await storage.emulator.deleteObject(storage.controlBucket, `collections/${id}.json`);
    await collections.find(id);
    assert.equal(collections.recall(id), undefined);
  });

  it('remembers it for a minute', async () => {
    await put(JSON.stringify(documentOf(id)));
    await collections.find(id);
    passTime(59_000);
    assert.notEqual(collections.recall(id), undefined);
    passTime(61_000);
    assert.equal(collections.recall(id), undefined);
  });

  it('fails where storage does: that is no answer', async () => {
    storage.proxy.inject({ name: `collections/${id}.json` }, answerError(503), { times: 1 });
    await failsAs(collections.find(id), 'unavailable');
    storage.proxy.inject({ name: `collections/${id}.json` }, answerError(403, { reason: 'forbidden' }), { times: 1 });
    await failsAs(collections.find(id), 'forbidden');
  });
});

describe('permission', () => {
  const LEVELS: readonly Permission[] = ['readonly', 'readwrite', 'admin', 'owner'];

  it('levels are ordered from least to most', () => {
    assert.deepEqual(PERMISSION_LEVELS, LEVELS);
  });

  for (const [granted, given] of LEVELS.entries()) {
    for (const [needed, wanted] of LEVELS.entries()) {
      const allowed = granted >= needed;
      it(`${given} ${allowed ? 'includes' : 'does not include'} ${wanted}`, () => {
        const collection = documentOf('c', { acl: { ...ACL, [given]: ['bob', 'ann'] } });
        assert.equal(hasPermission(collection, ['ann'], wanted), allowed);
        assert.equal(hasPermission(collection, ['carol'], wanted), false);
      });
    }
  }

  it('is any of the principals: sub or client_id', () => {
    const collection = documentOf('c', { acl: { ...ACL, readwrite: ['service-client'] } });
    assert.ok(hasPermission(collection, ['ann', 'service-client'], 'readwrite'));
    assert.ok(!hasPermission(collection, ['ann'], 'readwrite'));
    assert.ok(!hasPermission(collection, [], 'readonly'));
  });

  it('is everybody\'s where a list has "*", at that level only', () => {
    const collection = documentOf('c', { acl: { ...ACL, readonly: ['*'] } });
    assert.ok(hasPermission(collection, ['anybody'], 'readonly'));
    assert.ok(!hasPermission(collection, ['anybody'], 'readwrite'));
  });

  it('is compared whole and as it is', () => {
    const collection = documentOf('c', { acl: { ...ACL, owner: ['ann', 'b*', 'caf\u00e9'] } });
    for (const other of ['an', 'anna', 'Ann', ' ann', 'bob', 'cafe\u0301', '']) {
      assert.ok(!hasPermission(collection, [other], 'readonly'), other);
    }
  });
});

describe('the location of a collection', () => {
  it('is what jobs keep: id, bucket, prefix and the generation access was decided on', () => {
    const { collectionId, bucket, prefix } = documentOf('c');
    assert.deepEqual(locationOf({ ...documentOf('c'), generation: '7' }), {
      collectionId,
      bucket,
      prefix,
      generation: '7',
    });
  });
});
