import assert from 'node:assert/strict';
import { controlStorage, fileName, type StorageControl } from '../../bench/storage-control.ts';
import { startStorageServer, type StorageServer } from '../../bench/storage-server/server.ts';
import { createStorage, type StorageModule } from '../../storage/index.ts';
import { failsAs } from '../storage/assertions.ts';
import { AWKWARD_NAMES } from '../storage/object-names.ts';

const BUCKET = 'files';

describe("the benchmark's storage server", () => {
  let server: StorageServer;
  let control: StorageControl;
  let storage: StorageModule;

  before(async () => {
    server = await startStorageServer();
    control = controlStorage(server.url);
    const config = { controlBucket: 'control', projectId: 'test', emulatorHost: server.url };
    storage = createStorage(config, { autoRetry: false });
  });

  beforeEach(() => control.empty(BUCKET));

  after(() => server.close());

  const ref = (name: string) => ({ bucket: BUCKET, name });
  const put = (name: string, content = name) => storage.objects.write(ref(name), content);

  /** An answer to a request that the service itself does not send. */
  async function request(method: string, path: string, init: RequestInit = {}): Promise<Response> {
    return await fetch(server.url + path, { method, ...init });
  }

  async function names(range: { prefix?: string; startOffset?: string; endOffset?: string } = {}): Promise<string[]> {
    const found: string[] = [];
    for await (const { name } of storage.objects.list({ bucket: BUCKET, ...range })) found.push(name);
    return found;
  }

  describe('objects', () => {
    for (const [title, name] of AWKWARD_NAMES) {
      it(`keep a name with ${title}`, async () => {
        const written = await storage.objects.write(ref(name), 'content ✓', { metadata: { key: 'välue' } });
        assert.equal(written.name, name);
        assert.deepEqual(await storage.objects.stat(ref(name)), written);
        assert.deepEqual(written.metadata, { key: 'välue' });
        assert.equal(await storage.objects.readText(ref(name)), 'content ✓');
        assert.deepEqual(await names(), [name]);
      });
    }

    it('are told with the fields that are asked for, all of them where none are', async () => {
      await put('one', 'first');
      await put('two');
      const told = async (path: string) => await (await request('GET', `/storage/v1/b/${BUCKET}${path}`)).json();
      assert.deepEqual(await told('/o?maxResults=1&fields=items(name,size)'), { items: [{ name: 'one', size: '5' }] });
      assert.deepEqual(await told('/o/one?fields=size'), { size: '5' });
      const rewrite = `/storage/v1/b/${BUCKET}/o/one/rewriteTo/b/${BUCKET}/o/three?fields=done,resource(size)`;
      assert.deepEqual(await (await request('POST', rewrite)).json(), { done: true, resource: { size: '5' } });
      const all = Object.keys((await told('/o/one')) as object);
      assert.ok(all.length > 10 && all.includes('storageClass'), String(all));
      assert.equal((await request('GET', `/storage/v1/b/${BUCKET}/o?fields=items(`)).status, 400);
    });

    it('get a crc32c as Cloud Storage writes it', async () => {
      // The check value of CRC-32C, E3069283, for these nine digits.
      assert.equal((await put('digits', '123456789')).crc32c, '4waSgw==');
    });

    it('get with every write a generation of its own, which its time follows', async () => {
      const startedAt = Date.now();
      const written = await Promise.all(Array.from({ length: 20 }, () => put('same')));
      const generations = written.map(({ generation }) => Number(generation));
      assert.equal(new Set(generations).size, 20);
      const last = await storage.objects.stat(ref('same'));
      assert.equal(Number(last?.generation), Math.max(...generations));
      assert.ok(last !== undefined && last.createdAt >= startedAt && last.createdAt <= Date.now());
    });

    it('are 404 where object, generation or bucket are not there', async () => {
      assert.equal(await storage.objects.stat(ref('nothing')), undefined);
      const first = await put('replaced');
      await put('replaced');
      assert.equal(await storage.objects.readText(ref('replaced'), first.generation), undefined);
      await failsAs(storage.objects.write({ bucket: 'nowhere', name: 'a' }, ''), 'notFound');
    });

    it('can be read in part', async () => {
      await put('digits', '0123456789');
      const headers = { range: 'bytes=2-4' };
      const answer = await request('GET', `/storage/v1/b/${BUCKET}/o/digits?alt=media`, { headers });
      assert.equal(answer.status, 206);
      assert.equal(answer.headers.get('content-range'), 'bytes 2-4/10');
      assert.equal(await answer.text(), '234');
    });
  });

  describe('preconditions', () => {
    it('creates only where there is nothing, with ifGenerationMatch=0', async () => {
      await storage.objects.write(ref('new'), 'one', { ifGenerationMatch: '0' });
      const again = storage.objects.write(ref('new'), 'two', { ifGenerationMatch: '0' });
      await failsAs(again, 'preconditionFailed');
      assert.equal(await storage.objects.readText(ref('new')), 'one');
    });

    it('replaces only the generation that is named', async () => {
      const first = await put('object');
      const second = await storage.objects.write(ref('object'), 'two', { ifGenerationMatch: first.generation });
      const late = storage.objects.write(ref('object'), 'three', { ifGenerationMatch: first.generation });
      await failsAs(late, 'preconditionFailed');
      assert.equal((await storage.objects.stat(ref('object')))?.generation, second.generation);
    });

    it('deletes only the generation that is named', async () => {
      const { generation } = await put('object');
      assert.equal(await storage.objects.remove(ref('object'), String(Number(generation) + 1)), false);
      assert.equal(await storage.objects.remove(ref('object'), generation), true);
      assert.equal(await storage.objects.remove(ref('object'), generation), false);
    });

    it('checks source and destination of a rewrite', async () => {
      const source = await put('source');
      const call = { source, destination: ref('copy'), ifGenerationMatch: '0' };
      const made = await storage.transport.rewrite(call);
      assert.ok(made.done);
      assert.deepEqual(
        { ...made.object, name: 'source', generation: '', createdAt: 0 },
        { ...source, generation: '', createdAt: 0 },
      );
      await failsAs(storage.transport.rewrite(call), 'preconditionFailed');
      await storage.transport.rewrite({ ...call, ifGenerationMatch: made.object.generation });
      const gone = { ...source, generation: String(Number(source.generation) - 1) };
      const ofAnother = { source: gone, destination: ref('other'), ifGenerationMatch: '0' };
      await failsAs(storage.transport.rewrite(ofAnother), 'notFound');
      const path = `/storage/v1/b/${BUCKET}/o/source/rewriteTo/b/${BUCKET}/o/other`;
      const unmet = await request('POST', `${path}?ifSourceGenerationMatch=1`);
      assert.equal(unmet.status, 412);
      assert.deepEqual(await names(), ['copy', 'source']);
    });
  });

  describe('listings', () => {
    it('go by UTF-8 bytes, where JavaScript would have surrogates first', async () => {
      const inOrder = ['A', 'a', 'é', '\uff5e', '😀'];
      for (const name of inOrder.toReversed()) await put(name);
      assert.deepEqual(await names(), inOrder);
      assert.deepEqual(await names({ startOffset: 'é', endOffset: '😀' }), ['é', '\uff5e']);
    });

    it('go on from page to page, whatever is deleted meanwhile', async () => {
      await control.fill({ bucket: BUCKET, prefix: 'many/', count: 2_500, size: 10 });
      const path = `/storage/v1/b/${BUCKET}/o?prefix=many/&maxResults=999`;
      const first = (await (await request('GET', path)).json()) as { items: unknown[]; nextPageToken: string };
      assert.equal(first.items.length, 999);
      await storage.objects.remove(ref(`many/${fileName(999)}`));
      const next = (await (await request('GET', `${path}&pageToken=${first.nextPageToken}`)).json()) as {
        items: { name: string }[];
      };
      assert.equal(next.items[0]?.name, `many/${fileName(1_000)}`);
      assert.equal((await names({ prefix: 'many/' })).length, 2_499);
      assert.deepEqual(await control.bucket(BUCKET, 'many/folder-00002/').then(({ objects }) => objects), 500);
    });

    it('tell what is behind a delimiter once, over pages too', async () => {
      for (const name of ['a', 'b/1', 'b/2', 'b/c/3', 'd', 'e/4', 'é/5']) await put(name);
      const found: string[] = [];
      let token = '';
      do {
        const path = `/storage/v1/b/${BUCKET}/o?delimiter=%2F&maxResults=2&pageToken=${token}`;
        const page = (await (await request('GET', token === '' ? path.replace('&pageToken=', '') : path)).json()) as {
          items: { name: string }[];
          prefixes?: string[];
          nextPageToken?: string;
        };
        found.push(...page.items.map(({ name }) => name), ...(page.prefixes ?? []));
        token = page.nextPageToken ?? '';
      } while (token !== '');
      assert.deepEqual(found.toSorted(), ['a', 'b/', 'd', 'e/', 'é/'].toSorted());
    });

    it('are in order however the names came', async () => {
      const count = 3_000;
      const shuffled = Array.from({ length: count }, (_, index) => String((index * 1_789) % count).padStart(5, '0'));
      await Promise.all(shuffled.map((name) => put(name)));
      const removed = new Set(shuffled.filter((_, index) => index % 3 === 0));
      await Promise.all(Array.from(removed, (name) => storage.objects.remove(ref(name))));
      assert.deepEqual(await names(), shuffled.filter((name) => !removed.has(name)).sort());
    });
  });

  describe('uploads', () => {
    it('take content as the whole body', async () => {
      const path = `/upload/storage/v1/b/${BUCKET}/o?uploadType=media&name=folder%2Fplain.txt`;
      await request('POST', path, { body: 'content', headers: { 'content-type': 'text/plain' } });
      assert.equal(await storage.objects.readText(ref('folder/plain.txt')), 'content');
    });

    it('take content in parts, in a session of their own', async () => {
      const path = `/upload/storage/v1/b/${BUCKET}/o?uploadType=resumable&name=parts`;
      const session = (await request('POST', path, { body: '{}' })).headers.get('location') ?? '';
      const part = (body: string, range: string) =>
        fetch(session, { method: 'PUT', body, headers: { 'content-range': range } });
      const first = await part('one ', 'bytes 0-3/*');
      assert.equal(first.status, 308);
      assert.equal(first.headers.get('range'), 'bytes=0-3');
      assert.equal((await part('two', 'bytes 4-6/7')).status, 200);
      assert.equal(await storage.objects.readText(ref('parts')), 'one two');
    });

    it('take a body that comes in chunks, a long one too', async () => {
      const path = `/upload/storage/v1/b/${BUCKET}/o?uploadType=media&name=streamed`;
      const chunks = Array.from({ length: 500 }, (_, index) => String(index).padStart(10_000, '.'));
      const body = ReadableStream.from(chunks.map((chunk) => Buffer.from(chunk)));
      assert.equal((await request('POST', path, { body, duplex: 'half' })).status, 200);
      assert.equal(await storage.objects.readText(ref('streamed')), chunks.join(''));
    });
  });

  describe('for the benchmark', () => {
    it('counts operations by kind, refused ones too, and tells when a bucket was last written', async () => {
      const { operations: before } = await control.figures();
      const source = await put('source');
      await storage.transport.rewrite({ source, destination: ref('copy'), ifGenerationMatch: '0' });
      await storage.objects.stat(ref('nothing'));
      await names();
      const { operations, cpuMicros, residentSize } = await control.figures();
      const counted = Object.entries(operations).map(([kind, count]) => [kind, count - before[kind as 'get']]);
      assert.deepEqual(Object.fromEntries(counted), {
        bucket: 0,
        get: 1,
        media: 0,
        list: 1,
        insert: 1,
        delete: 0,
        rewrite: 1,
      });
      assert.ok(cpuMicros > 0 && residentSize > 0);
      assert.equal((await control.bucket(BUCKET)).lastWriteAt >= source.createdAt, true);
    });

    it('answers after the latency that was set, in parallel', async () => {
      await control.setLatency(200);
      try {
        const startedAt = performance.now();
        await Promise.all(Array.from({ length: 50 }, () => storage.objects.stat(ref('nothing'))));
        const took = performance.now() - startedAt;
        // One after the other, they would take 10 s.
        assert.ok(took >= 199 && took < 5_000, `took ${took} ms`);
      } finally {
        await control.setLatency(0);
      }
    });
  });
});
