import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { FileEntry } from '../../../contract/messages.ts';
import { answerError, delay, holdBefore } from '../../support/storage-proxy/index.ts';
import { failsWith, makeActivityTest, type ActivityTest } from '../support.ts';

const LEVELS = ['readonly', 'readwrite', 'admin', 'owner'] as const;
type Level = (typeof LEVELS)[number];

describe('checkAccess', () => {
  let test: ActivityTest;

  before(async () => {
    test = await makeActivityTest();
  });

  afterEach(() => {
    test.proxy.removeFaults();
    test.logged.splice(0);
  });

  /** Puts a collection that these may use, and gives its id. */
  async function collection(acl: Partial<Record<Level, string[]>>, changes: object = {}): Promise<string> {
    const collectionId = randomUUID();
    const place = { collectionName: 'A collection', bucket: test.sourceBucket, prefix: `${collectionId}/` };
    await test.emulator.putCollection({ collectionId, ...place, acl, ...changes });
    return collectionId;
  }

  const entry = (from: string, to: string, fileName = 'f', destinationFileName = fileName): FileEntry => ({
    ...{ sourceCollectionId: from, destinationCollectionId: to, fileName, destinationFileName },
  });

  const correlationId = randomUUID();
  const check = (entries: FileEntry[], principals = ['ann']) =>
    test.run('checkAccess', { correlationId, requestor: { caller: principals[0] ?? '', principals }, entries });

  async function assertDenied(entries: FileEntry[], collectionId: string, principals?: string[]): Promise<string> {
    const access = await check(entries, principals);
    assert.ok(!access.granted);
    assert.ok(access.admission.decision === 'forbidden', JSON.stringify(access.admission));
    const line = test.logged.at(-1) ?? {};
    assert.deepEqual(
      { correlationId: line['correlationId'], collectionId: line['collectionId'], msg: line['msg'] },
      { correlationId, collectionId, msg: 'access denied' },
    );
    return access.admission.message;
  }

  it('grants reading and writing, and tells where the collections are and what that rests on', async () => {
    const from = await collection({ readonly: ['ann'] });
    const to = await collection({ readwrite: ['ann'] });
    // The first one is answered last.
    test.proxy.inject({ name: `collections/${from}.json` }, delay(50), { times: 1 });
    const access = await check([entry(from, to), entry(from, to, 'g')]);
    assert.ok(access.granted);
    const expected = [from, to].map(async (collectionId) => {
      const document = await test.emulator.statObject(test.controlBucket, `collections/${collectionId}.json`);
      const generation = document?.generation ?? '';
      return { collectionId, bucket: test.sourceBucket, prefix: `${collectionId}/`, generation };
    });
    assert.deepEqual(access.collections, await Promise.all(expected));
  });

  for (const sourceLevel of LEVELS) {
    for (const destinationLevel of LEVELS) {
      const granted = destinationLevel !== 'readonly';
      it(`${granted ? 'grants' : 'denies'} ${sourceLevel} of the source with ${destinationLevel} of the destination`, async () => {
        const from = await collection({ [sourceLevel]: ['ann'] });
        const to = await collection({ [destinationLevel]: ['ann'] });
        if (granted) assert.ok((await check([entry(from, to)])).granted);
        else assert.match(await assertDenied([entry(from, to)], to), /^ACCESS_DENIED: .*write/);
      });
    }
  }

  it('grants what "*" grants', async () => {
    const from = await collection({ readonly: ['*'] });
    const to = await collection({ readwrite: ['*'] });
    assert.ok((await check([entry(from, to)], ['anybody'])).granted);
  });

  it('grants by any of the principals', async () => {
    const from = await collection({ readonly: ['ann'] });
    const to = await collection({ readwrite: ['her-client'] });
    assert.ok((await check([entry(from, to)], ['ann', 'her-client'])).granted);
    await assertDenied([entry(from, to)], to, ['ann']);
    await assertDenied([entry(from, to)], from, ['her-client']);
  });

  it('denies all for one pair without access, wherever it stands', async () => {
    const from = await collection({ readonly: ['ann'] });
    const to = await collection({ readwrite: ['ann'] });
    const foreign = await collection({ owner: ['bob'] });
    await assertDenied([entry(from, to), entry(from, to, 'g'), entry(foreign, to, 'h')], foreign);
    await assertDenied([entry(from, foreign), entry(from, to, 'g')], foreign);
  });

  it('denies one that does not exist, is invalid or forbidden in the same words', async () => {
    const to = await collection({ readwrite: ['ann'] });
    const unknown = randomUUID();
    const invalid = randomUUID();
    await test.emulator.putObject(test.controlBucket, `collections/${invalid}.json`, '{"collectionId": ');
    const misnamed = randomUUID();
    const document = { collectionId: to, collectionName: '', bucket: 'x', prefix: '', acl: { owner: ['ann'] } };
    await test.emulator.putObject(test.controlBucket, `collections/${misnamed}.json`, JSON.stringify(document));
    const forbidden = await collection({ owner: ['bob'] });
    const texts: string[] = [];
    const problems: unknown[] = [];
    for (const id of [unknown, invalid, misnamed, forbidden]) {
      texts.push((await assertDenied([entry(id, to)], id)).replace(id, 'ID'));
      problems.push(test.logged.at(-1)?.['problem']);
    }
    assert.equal(new Set(texts).size, 1);
    assert.match(String(problems[0]), /does not exist/);
    assert.match(String(problems[1]), /no JSON/);
    assert.match(String(problems[2]), /another collection/);
    assert.equal(problems[3], undefined);
  });

  it('denies before it says anything about the files', async () => {
    const foreign = await collection({ readonly: ['ann'] });
    await assertDenied([entry(foreign, foreign)], foreign);
  });

  it('then lists what is wrong with the files', async () => {
    const id = await collection({ owner: ['ann'] });
    const access = await check([entry(id, id), entry(id, id, 'g', 'h'), entry(id, id, 'i', 'h')]);
    assert.deepEqual(access, {
      granted: false,
      admission: {
        decision: 'invalid',
        errors: [
          { path: 'copyFileCollectionData[0].destinationFileName', message: 'is the source file itself' },
          {
            path: 'copyFileCollectionData[2].destinationFileName',
            message: 'is already the destination of copyFileCollectionData[1]',
          },
        ],
      },
    });
  });

  it('judges on buckets and objects where collections overlap', async () => {
    const inner = await collection({ owner: ['ann'] });
    const outer = await collection({ owner: ['ann'] }, { prefix: '' });
    const access = await check([entry(inner, outer, 'f', `${inner}/f`)]);
    assert.ok(!access.granted && access.admission.decision === 'invalid');
    assert.deepEqual(
      access.admission.errors.map(({ message }) => message),
      ['is the source file itself'],
    );
  });

  it('reads each collection once, many at a time', async () => {
    const ids = await Promise.all(Array.from({ length: 6 }, () => collection({ owner: ['ann'] })));
    const matcher = { operation: 'read', bucket: test.controlBucket } as const;
    const reads = test.proxy.requestsFromNow(matcher);
    const held = holdBefore();
    test.proxy.inject(matcher, held);
    const entries = ids.flatMap((from) => ids.map((to) => entry(from, to, 'f', `copy of ${from}`)));
    const checked = check(entries);
    await held.reachedBy(6);
    held.release();
    assert.ok((await checked).granted);
    assert.equal(reads().length, 6);
  });

  it('is no answer where storage fails: tried again, and nobody is denied', async () => {
    const id = await collection({ owner: ['ann'] });
    test.proxy.inject({ bucket: test.controlBucket }, answerError(503));
    await failsWith(check([entry(id, id, 'f', 'g')]), 'STORAGE_UNAVAILABLE', { retryable: true });
    assert.deepEqual(test.logged, []);
  });
});
