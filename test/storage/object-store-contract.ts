import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { ObjectRef, ObjectStore } from '../../storage/objects.ts';
import { makeTestStorage, type TestStorage } from '../support/emulator.ts';
import { alterJson, inPagesOf } from '../support/storage-proxy/index.ts';
import { failsAs } from './assertions.ts';
import { AWKWARD_NAMES } from './object-names.ts';

/**
 * What the object store has to do, through the strict proxy or on the emulator as it is; what rests on strictness, or on
 * what the proxy makes storage say, is left out there.
 */
export function describeObjectStore(title: string, { on }: { on: 'proxy' | 'emulator' }): void {
  /** For what only the proxy does. */
  const itWhereStrict = (name: string, test: () => Promise<void>) => {
    if (on === 'proxy') it(name, test);
  };

  describe(title, () => {
    let storage: TestStorage;
    let objects: ObjectStore;
    let ref: ObjectRef;

    before(async () => {
      storage = await makeTestStorage();
      ({ objects } = storage.connect({ directly: on === 'emulator' }));
    });

    beforeEach(() => {
      ref = { bucket: storage.sourceBucket, name: randomUUID() };
    });

    afterEach(() => {
      storage.proxy.removeFaults();
    });

    const nowhere = () => ({ bucket: 'no-such-bucket', name: 'a' });

    describe('an upload', () => {
      it('is an object once it has ended, with its type, and not before; others are read meanwhile', async () => {
        const other = { bucket: ref.bucket, name: randomUUID() };
        await objects.write(other, 'there', { contentType: 'text/plain' });
        const upload = objects.create(ref, 'application/x-ndjson');
        // More than is kept back: storage is taking it.
        const piece = `${'grün '.repeat(20_000)}\n`;
        for (let count = 0; count < 10; count += 1) await upload.write(piece);
        assert.equal(await objects.readText(other), 'there');
        assert.equal(await objects.stat(ref), undefined);
        const written = await upload.close();
        assert.equal(written.size, 10 * Buffer.byteLength(piece));
        assert.equal(await objects.readText(ref), piece.repeat(10));
      });

      it('that is broken off leaves nothing', async () => {
        const upload = objects.create(ref, 'application/x-ndjson');
        await upload.write('some of it\n');
        await upload.abort();
        assert.equal(await objects.stat(ref), undefined);
      });
    });

    describe('stat', () => {
      it('tells size, checksum, generation, age and metadata', async () => {
        const startedAt = Date.now();
        const written = await objects.write(ref, 'hello', { metadata: { colour: 'grün 🟩' } });
        assert.deepEqual(await objects.stat(ref), written);
        const { createdAt, generation, ...rest } = written;
        assert.deepEqual(rest, { ...ref, size: 5, crc32c: 'mnG7TA==', metadata: { colour: 'grün 🟩' } });
        assert.match(generation, /^\d{10,}$/);
        assert.ok(createdAt >= startedAt - 1 && createdAt <= Date.now() + 1);
      });

      itWhereStrict('keeps generations as they are, past what a number holds', async () => {
        await objects.write(ref, 'hello');
        const largest = alterJson((resource) => ({ ...resource, generation: '9223372036854775807' }));
        storage.proxy.inject({ name: ref.name }, largest);
        assert.equal((await objects.stat(ref))?.generation, '9223372036854775807');
      });

      it('finds nothing where there is no object, or no bucket', async () => {
        assert.equal(await objects.stat(ref), undefined);
        assert.equal(await objects.stat(nowhere()), undefined);
      });
    });

    describe('readJson', () => {
      it('gives the content with the generation it was read at', async () => {
        const content = { list: [1, 'zwei', null], deep: { a: true } };
        const { generation } = await objects.write(ref, JSON.stringify(content));
        assert.deepEqual(await objects.readJson(ref), { content, generation });
      });

      it('reads JSON of every content type', async () => {
        for (const contentType of ['text/plain', 'application/octet-stream', 'application/json; charset=utf-8']) {
          await objects.write(ref, '{"a": "ü"}', { contentType });
          assert.deepEqual((await objects.readJson(ref))?.content, { a: 'ü' }, contentType);
        }
      });

      it('says of content that is no JSON that it is malformed, of every content type', async () => {
        for (const contentType of ['text/plain', 'application/json']) {
          for (const content of ['{"a": ', 'just text', '']) {
            await objects.write(ref, content, { contentType });
            await failsAs(objects.readJson(ref), 'malformed');
          }
        }
      });

      it('reads all that is JSON, even what looks like an error of storage', async () => {
        for (const content of ['"text"', 'null', '{"error": {"code": 503}}']) {
          await objects.write(ref, content);
          assert.deepEqual((await objects.readJson(ref))?.content, JSON.parse(content));
        }
      });

      it('takes every JSON for content, and nothing in it for an error', async () => {
        for (const content of [null, 'text', 7, [], { error: { code: 503, message: 'theirs' } }]) {
          await objects.write(ref, JSON.stringify(content));
          assert.deepEqual((await objects.readJson(ref))?.content, content);
        }
      });

      it('finds nothing where there is no object', async () => {
        assert.equal(await objects.readJson(ref), undefined);
      });
    });

    describe('readText', () => {
      it('gives the content', async () => {
        await objects.write(ref, 'zwei\nZeilen: ü\n', { contentType: 'application/x-ndjson' });
        assert.equal(await objects.readText(ref), 'zwei\nZeilen: ü\n');
      });

      it('finds nothing where there is no object, or no such generation', async () => {
        assert.equal(await objects.readText(ref), undefined);
        const { generation } = await objects.write(ref, 'hello');
        assert.equal(await objects.readText(ref, generation), 'hello');
        assert.equal(await objects.readText(ref, '1'), undefined);
      });
    });

    describe('write', () => {
      const content = async () => await objects.readText(ref);

      it('replaces whatever is there, where nothing is said', async () => {
        const first = await objects.write(ref, 'one');
        const second = await objects.write(ref, 'two');
        assert.notEqual(first.generation, second.generation);
        assert.equal(await content(), 'two');
      });

      it('with 0 only creates', async () => {
        await objects.write(ref, 'one', { ifGenerationMatch: '0' });
        await failsAs(objects.write(ref, 'two', { ifGenerationMatch: '0' }), 'preconditionFailed');
        assert.equal(await content(), 'one');
      });

      it('with a generation only replaces that one', async () => {
        const { generation } = await objects.write(ref, 'one');
        await objects.write(ref, 'two', { ifGenerationMatch: generation });
        await failsAs(objects.write(ref, 'three', { ifGenerationMatch: generation }), 'preconditionFailed');
        assert.equal(await content(), 'two');
      });

      it('with a generation that was deleted writes nothing', async () => {
        const { generation } = await objects.write(ref, 'one');
        await objects.remove(ref);
        await failsAs(objects.write(ref, 'two', { ifGenerationMatch: generation }), 'preconditionFailed');
        assert.equal(await content(), undefined);
      });

      it('of ten at once with 0 makes one', async () => {
        const all = Array.from({ length: 10 }, (_, index) =>
          objects.write(ref, String(index), { ifGenerationMatch: '0' }),
        );
        const results = await Promise.allSettled(all);
        assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1);
        if (on === 'proxy') assert.equal(storage.proxy.writes(ref.bucket, ref.name), 1);
      });

      it('sets the content type', async () => {
        await objects.write(ref, 'hello');
        assert.equal((await storage.emulator.statObject(ref.bucket, ref.name))?.contentType, 'application/json');
        await objects.write(ref, 'hello', { contentType: 'text/csv' });
        assert.equal((await storage.emulator.statObject(ref.bucket, ref.name))?.contentType, 'text/csv');
      });

      it('writes nothing at all, text with boundaries, and a megabyte', async () => {
        for (const text of ['', '--a\r\n\r\n--a--\r\n', '🗂'.repeat(262_144)]) {
          const { size } = await objects.write(ref, text);
          assert.equal(size, Buffer.byteLength(text));
          assert.equal(await content(), text);
        }
      });

      it('fails where there is no bucket', async () => {
        await failsAs(objects.write(nowhere(), 'hello'), 'notFound');
      });
    });

    describe('remove', () => {
      itWhereStrict('deletes at the generation given, at no other', async () => {
        const { generation } = await objects.write(ref, 'one');
        assert.equal(await objects.remove(ref, '1'), false);
        assert.notEqual(await objects.stat(ref), undefined);
        assert.equal(await objects.remove(ref, generation), true);
        assert.equal(await objects.stat(ref), undefined);
      });

      it('deletes whatever is there, where nothing is said', async () => {
        await objects.write(ref, 'one');
        assert.equal(await objects.remove(ref), true);
      });

      it('says that there was nothing', async () => {
        assert.equal(await objects.remove(ref), false);
        assert.equal(await objects.remove(ref, '1'), false);
      });
    });

    describe('list', () => {
      async function names(
        range: Omit<Parameters<ObjectStore['list']>[0], 'bucket'>,
        bucket: string,
      ): Promise<string[]> {
        const found: string[] = [];
        for await (const { name } of objects.list({ bucket, ...range })) found.push(name);
        return found;
      }

      it('gives all objects of a range in the order of their names, with what stat says', async () => {
        const bucket = storage.destinationBucket;
        for (const name of ['b/1', 'a', 'b/2', 'b/10', 'c', 'ä']) await storage.emulator.putObject(bucket, name, name);
        assert.deepEqual(await names({}, bucket), ['a', 'b/1', 'b/10', 'b/2', 'c', 'ä']);
        assert.deepEqual(await names({ prefix: 'b/' }, bucket), ['b/1', 'b/10', 'b/2']);
        assert.deepEqual(await names({ startOffset: 'b/10' }, bucket), ['b/10', 'b/2', 'c', 'ä'], 'start is included');
        assert.deepEqual(await names({ endOffset: 'b/2' }, bucket), ['a', 'b/1', 'b/10'], 'end is excluded');
        assert.deepEqual(await names({ prefix: 'b/', startOffset: 'b/10', endOffset: 'b/2' }, bucket), ['b/10']);
        assert.deepEqual(await names({ prefix: 'nothing/' }, bucket), []);
        for await (const info of objects.list({ bucket, prefix: 'b/1' })) {
          assert.deepEqual(info, await objects.stat(info));
        }
      });

      itWhereStrict('goes over several pages, asking for each when it is wanted', async () => {
        const bucket = `pages-${storage.sourceBucket}`;
        await storage.emulator.makeBucket(bucket);
        const expected = Array.from({ length: 8 }, (_, index) => `ü ${index}`);
        for (const name of expected) await storage.emulator.putObject(bucket, name, '');
        storage.proxy.inject({ operation: 'list' }, inPagesOf(3));
        const pages = () => storage.proxy.requests({ operation: 'list', bucket });
        const found: string[] = [];
        for await (const { name } of objects.list({ bucket, prefix: 'ü' })) {
          found.push(name);
          assert.equal(pages().length, Math.ceil(found.length / 3));
        }
        assert.deepEqual(found, expected);
        for (const { query } of pages()) assert.deepEqual([query['maxResults'], query['prefix']], ['1000', 'ü']);
      });

      it('fails where there is no bucket', async () => {
        await failsAs(names({}, 'no-such-bucket'), 'notFound');
      });
    });

    describe('takes names as they are:', () => {
      for (const [title, name] of AWKWARD_NAMES) {
        it(title, async () => {
          const awkward = { bucket: storage.destinationBucket, name };
          const { generation } = await objects.write(awkward, '{"a": 1}', { ifGenerationMatch: '0' });
          assert.equal((await objects.stat(awkward))?.name, name);
          assert.deepEqual(await objects.readJson(awkward), { content: { a: 1 }, generation });
          assert.equal(await objects.readText(awkward), '{"a": 1}');
          const [listed] = await Array.fromAsync(objects.list({ bucket: awkward.bucket, prefix: name }));
          assert.equal(listed?.name, name);
          assert.equal(await objects.remove(awkward, generation), true);
          assert.equal(await storage.emulator.statObject(awkward.bucket, name), undefined);
        });
      }
    });
  });
}
