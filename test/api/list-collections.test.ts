import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { pino } from 'pino';
import { createCollectionList } from '../../api/collections/collection-list.ts';
import { ServiceUnavailableError } from '../../api/jobs/job-service.ts';
import type { CollectionCatalogue, CollectionLookup, Permission } from '../../storage/collections.ts';
import { StorageError } from '../../storage/errors.ts';
import { assertAnswer, assertMistakes, readerToken, setUp, signToken } from './support.ts';

const COLLECTIONS = '/apollo/collections';

describe('GET /apollo/collections', () => {
  it('answers the collections, as documented, to a caller with apollo_read', async () => {
    const response = await setUp().get(COLLECTIONS, { authorization: `Bearer ${readerToken}` });
    assert.deepEqual(await response.json(), {
      status: { message: 'Collections', code: '200' },
      data: [{ id: 'copies', collectionId: 'copies', collectionName: 'Copies' }],
    });
  });

  it('asks for all principals of the token, at any level where none is named', async () => {
    const asked: [readonly string[], Permission][] = [];
    const { get } = setUp({
      collections(principals, level) {
        asked.push([principals, level]);
        return Promise.resolve([]);
      },
    });
    const authorization = `Bearer ${await signToken({ client_id: 'app-1' })}`;
    assert.deepEqual(await assertAnswer(await get(COLLECTIONS, { authorization }), 200), []);
    await get(`${COLLECTIONS}?minPermission=readwrite`);
    assert.deepEqual(asked, [
      [['alice', 'app-1'], 'readonly'],
      [['alice'], 'readwrite'],
    ]);
  });

  for (const query of ['minPermission=write', 'minPermission=', 'minPermission=owner&minPermission=admin']) {
    it(`answers 400 to ${query}`, async () => {
      await assertMistakes(await setUp().get(`${COLLECTIONS}?${query}`), [
        'minPermission: must be one of readonly, readwrite, admin, owner, given once',
      ]);
    });
  }

  it('answers 503 with Retry-After where storage does not answer', async () => {
    const { get } = setUp({ collections: () => Promise.reject(new ServiceUnavailableError('storage', null)) });
    const response = await get(COLLECTIONS);
    await assertAnswer(response, 503);
    assert.ok(response.headers.has('retry-after'));
  });
});

/** A catalogue of these documents, by id: an access list, or what is wrong. */
function catalogue(documents: Record<string, Partial<Record<Permission, string[]>> | string>) {
  let inFlight = 0;
  let most = 0;
  const find = async (collectionId: string): Promise<CollectionLookup> => {
    most = Math.max(most, (inFlight += 1));
    await Promise.resolve();
    inFlight -= 1;
    const acl = documents[collectionId] ?? 'is gone';
    if (typeof acl === 'string') return { found: false, problem: `${collectionId} ${acl}` };
    const lists = { owner: [], admin: [], readwrite: [], readonly: [], ...acl };
    const rest = { collectionName: collectionId.toUpperCase(), bucket: 'b', prefix: '', generation: '1' };
    return { found: true, collection: { collectionId, ...rest, acl: lists } };
  };
  const ids = () => ReadableStream.from(Object.keys(documents)).values();
  return { catalogue: { find, ids } as unknown as CollectionCatalogue, most: () => most };
}

describe('the collections of a caller', () => {
  const lines: { problem?: string }[] = [];
  const log = pino({}, { write: (line: string) => lines.push(JSON.parse(line) as { problem?: string }) });

  it('are those with an entry for any of the principals, or for everyone, at the level or above, by id', async () => {
    const { catalogue: documents } = catalogue({
      'z-own': { owner: ['alice'] },
      other: { owner: ['bob'] },
      everyone: { readonly: ['*'] },
      app: { readwrite: ['app-1'] },
      B: { admin: ['alice'] },
    });
    const list = createCollectionList(documents, log);
    const ids = async (level: Permission) =>
      (await list(['alice', 'app-1'], level)).map(({ collectionId }) => collectionId);
    assert.deepEqual(await ids('readonly'), ['B', 'app', 'everyone', 'z-own']);
    assert.deepEqual(await ids('readwrite'), ['B', 'app', 'z-own']);
    assert.deepEqual(await ids('admin'), ['B', 'z-own']);
    assert.deepEqual(await ids('owner'), ['z-own']);
  });

  it('leave out what cannot be used, with a line in the log', async () => {
    const { catalogue: documents } = catalogue({ broken: 'is invalid', fine: { owner: ['*'] } });
    const found = await createCollectionList(documents, log)(['alice'], 'readonly');
    assert.deepEqual(found, [{ collectionId: 'fine', collectionName: 'FINE' }]);
    assert.deepEqual(
      lines.map(({ problem }) => problem),
      ['broken is invalid'],
    );
  });

  it('are read some at a time', async () => {
    const many = Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`c${index}`, { owner: ['*'] }]));
    const { catalogue: documents, most } = catalogue(many);
    assert.equal((await createCollectionList(documents, log)(['alice'], 'readonly')).length, 200);
    assert.ok(most() > 1 && most() <= 32, `${most()} at a time`);
  });

  /** Collections of one document, whose reads each wait to be told how they end. */
  function heldReads(acl: Partial<Record<Permission, string[]>>) {
    const { catalogue: documents } = catalogue({ a: acl });
    const find = documents.find.bind(documents);
    const ends: PromiseWithResolvers<undefined>[] = [];
    const begun = new EventEmitter();
    documents.find = async (id) => {
      const lookup = await find(id);
      const end = Promise.withResolvers<undefined>();
      ends.push(end);
      begun.emit('read');
      await end.promise;
      return lookup;
    };
    const list = createCollectionList(documents, log);
    return {
      reads: () => ends.length,
      /** The end of the read with this number, from 1, once it has seen the document. */
      read: async (number: number) => {
        while (ends.length < number) await once(begun, 'read');
        return ends[number - 1] ?? assert.fail();
      },
      ids: async (caller: string) => (await list([caller], 'readonly')).map(({ collectionId }) => collectionId),
    };
  }

  it('are read together for all who ask while they are read for others, and after these have asked', async () => {
    const acl = { owner: ['alice', 'bob'] };
    const { ids, read, reads } = heldReads(acl);
    const first = ids('alice');
    const firstRead = await read(1);
    acl.owner = ['bob'];
    const meanwhile = ['alice', 'bob', 'alice'].map(ids);
    assert.equal(reads(), 1);
    firstRead.resolve(undefined);
    assert.deepEqual(await first, ['a']);
    const secondRead = await read(2);
    const later = ['bob', 'carol'].map(ids);
    secondRead.resolve(undefined);
    assert.deepEqual(await Promise.all(meanwhile), [[], ['a'], []]);
    (await read(3)).resolve(undefined);
    assert.deepEqual(await Promise.all(later), [['a'], []]);
    assert.equal(reads(), 3);
    const last = ids('bob');
    (await read(4)).resolve(undefined);
    assert.deepEqual(await last, ['a']);
  });

  it('are read anew for who asked while a read was under way that fails', async () => {
    const { ids, read } = heldReads({ owner: ['alice'] });
    const first = ids('alice');
    const firstRead = await read(1);
    const second = ids('alice');
    firstRead.reject(new StorageError('unavailable', 'down'));
    await assert.rejects(first, ServiceUnavailableError);
    (await read(2)).resolve(undefined);
    assert.deepEqual(await second, ['a']);
  });

  it('are unavailable where storage is', async () => {
    const { catalogue: failing } = catalogue({ a: {} });
    failing.find = () => Promise.reject(new StorageError('unavailable', 'down'));
    const list = createCollectionList(failing, log);
    await assert.rejects(list(['alice'], 'readonly'), ServiceUnavailableError);
  });
});
