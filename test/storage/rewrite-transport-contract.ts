import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { StorageConfig } from '../../config/config.ts';
import { isStorageError } from '../../storage/errors.ts';
import type { ObjectInfo } from '../../storage/objects.ts';
import type { RewriteAnswer, RewriteCall, RewriteTransport } from '../../storage/rewrite-transport.ts';
import { makeTestStorage, type TestStorage } from '../support/emulator.ts';
import { holdBefore, inCalls, inPartsOf, resetAfter, stallAnswer } from '../support/storage-proxy/index.ts';
import { assertError, failsAs, storageError } from './assertions.ts';
import { ERROR_CASES } from './error-cases.ts';
import { AWKWARD_NAMES } from './object-names.ts';

/** Makes the transport under test. A call that is not answered within `timeoutMs` is to fail. */
export type TransportFactory = (config: StorageConfig, options: { timeoutMs: number }) => RewriteTransport;

const TIMEOUT_MS = 5_000;
const CONTENT = 'content of the source';

/**
 * What every transport has to do; a transport's own test is one call of this. On the emulator as it is, without the strict
 * proxy in front, what rests on preconditions, on rewrites in several calls and on faults is left out.
 */
export function describeRewriteTransport(
  title: string,
  createTransport: TransportFactory,
  { on }: { on: 'proxy' | 'emulator' },
): void {
  const isStrict = on === 'proxy';
  const describeWhereStrict = (what: string, suite: () => void) => {
    if (isStrict) describe(what, suite);
  };
  const itWhereStrict = (what: string, test: () => Promise<void>) => {
    if (isStrict) it(what, test);
  };

  describe(title, () => {
    let storage: TestStorage;
    let transport: RewriteTransport;
    let name: string;

    before(async () => {
      storage = await makeTestStorage();
      transport = createTransport(isStrict ? storage.config : storage.directConfig, { timeoutMs: TIMEOUT_MS });
    });

    beforeEach(() => {
      name = randomUUID();
    });

    afterEach(() => {
      storage.proxy.removeFaults();
    });

    /** A call for a source of this content, to a destination of the same name. */
    async function prepare(content = CONTENT, objectName = name): Promise<RewriteCall> {
      const { emulator, sourceBucket, destinationBucket } = storage;
      await emulator.putObject(sourceBucket, objectName, content, { contentType: 'text/x-test' });
      const { generation = '' } = (await emulator.statObject(sourceBucket, objectName)) ?? {};
      return {
        source: { bucket: sourceBucket, name: objectName, generation },
        destination: { bucket: destinationBucket, name: objectName },
        ifGenerationMatch: '0',
      };
    }

    /** Writes the destination past the transport, and gives its generation. */
    async function putDestination(content: string): Promise<string> {
      await storage.emulator.putObject(storage.destinationBucket, name, content);
      return (await storage.emulator.statObject(storage.destinationBucket, name))?.generation ?? '';
    }

    async function destinationContent(objectName = name): Promise<string | undefined> {
      const content = await storage.emulator.getObject(storage.destinationBucket, objectName);
      return content && Buffer.from(content).toString();
    }

    const requests = () => storage.proxy.requests({ operation: 'rewrite', name });
    const inject = (...[fault, options]: [Parameters<typeof storage.proxy.inject>[1], { times?: number }?]) =>
      storage.proxy.inject({ operation: 'rewrite', name }, fault, options);

    async function finish(call: RewriteCall): Promise<{ object: ObjectInfo; answers: RewriteAnswer[] }> {
      const answers: RewriteAnswer[] = [];
      for (let rewriteToken: string | undefined; ;) {
        const answer = await transport.rewrite({ ...call, rewriteToken });
        answers.push(answer);
        if (answer.done) return { object: answer.object, answers };
        ({ rewriteToken } = answer);
      }
    }

    describe('copies', () => {
      it('in one call, and tells what is there then', async () => {
        const startedAt = Date.now();
        const answer = await transport.rewrite(await prepare());
        assert.ok(answer.done);
        const made = await storage.emulator.statObject(storage.destinationBucket, name);
        const { createdAt, ...object } = answer.object;
        assert.deepEqual(object, {
          ...{ bucket: storage.destinationBucket, name, size: CONTENT.length, metadata: {} },
          ...{ generation: made?.generation, crc32c: made?.crc32c },
        });
        assert.ok(createdAt >= startedAt - 1 && createdAt <= Date.now() + 1, `created at ${createdAt}`);
        assert.equal(await destinationContent(), CONTENT);
        assert.equal(made?.contentType, 'text/x-test');
        if (isStrict) assert.equal(requests().length, 1);
      });

      it('an empty object', async () => {
        const answer = await transport.rewrite(await prepare(''));
        assert.ok(answer.done);
        assert.equal(answer.object.size, 0);
        assert.equal(await destinationContent(), '');
      });

      itWhereStrict('in several calls, each the same but for the token', async () => {
        const call = await prepare();
        inject(inCalls(4));
        const { object } = await finish(call);
        assert.equal(object.size, CONTENT.length);
        assert.equal(await destinationContent(), CONTENT);
        const sent = requests();
        assert.equal(sent.length, 4);
        const tokens = sent.map(({ query }) => query['rewriteToken']);
        assert.equal(tokens[0], undefined);
        assert.equal(new Set(tokens).size, 4, 'each call has the token of the one before');
        const rest = sent.map(({ query, body }) => ({ query: { ...query, rewriteToken: undefined }, body }));
        for (const other of rest) assert.deepEqual(other, rest[0]);
        assert.equal(storage.proxy.writes(storage.destinationBucket, name), 1);
      });

      itWhereStrict('showing nothing before it is whole', async () => {
        const call = await prepare('x'.repeat(100));
        inject(inPartsOf(40));
        const first = await transport.rewrite(call);
        assert.ok(!first.done);
        assert.equal(await destinationContent(), undefined);
        const { answers } = await finish({ ...call, rewriteToken: first.rewriteToken });
        assert.deepEqual(
          answers.map(({ done }) => done),
          [false, false, true].slice(3 - answers.length),
        );
      });

      itWhereStrict('what another transport began', async () => {
        const call = await prepare();
        inject(inCalls(2), { times: 1 });
        const first = await transport.rewrite(call);
        assert.ok(!first.done);
        const other = createTransport(storage.config, { timeoutMs: TIMEOUT_MS });
        const second = await other.rewrite({ ...call, rewriteToken: first.rewriteToken });
        assert.ok(second.done);
        assert.equal(await destinationContent(), CONTENT);
      });

      itWhereStrict('not with the token of another rewrite', async () => {
        const call = await prepare();
        inject(inCalls(2));
        const first = await transport.rewrite(call);
        assert.ok(!first.done);
        const elsewhere = { ...call.destination, name: `${name}-elsewhere` };
        const { rewriteToken } = first;
        await failsAs(transport.rewrite({ ...call, destination: elsewhere, rewriteToken }), 'refused');
      });
    });

    describeWhereStrict('writes only what it was told to', () => {
      it('a destination that is there stays where there is to be none', async () => {
        const call = await prepare();
        await putDestination('theirs');
        assertError(await storageError(transport.rewrite(call)), {
          title: '',
          kind: 'preconditionFailed',
          status: 412,
        });
        assert.equal(await destinationContent(), 'theirs');
      });

      it('the generation that was named is replaced', async () => {
        const call = await prepare();
        const generation = await putDestination('theirs');
        const answer = await transport.rewrite({ ...call, ifGenerationMatch: generation });
        assert.ok(answer.done);
        assert.notEqual(answer.object.generation, generation);
        assert.equal(await destinationContent(), CONTENT);
      });

      it('a generation that has gone is not replaced', async () => {
        const call = await prepare();
        const stale = await putDestination('theirs');
        await putDestination('theirs again');
        await failsAs(transport.rewrite({ ...call, ifGenerationMatch: stale }), 'preconditionFailed');
        assert.equal(await destinationContent(), 'theirs again');
      });

      it('a generation that was deleted is not made anew', async () => {
        const call = await prepare();
        const stale = await putDestination('theirs');
        await storage.emulator.deleteObject(storage.destinationBucket, name);
        await failsAs(transport.rewrite({ ...call, ifGenerationMatch: stale }), 'preconditionFailed');
        assert.equal(await destinationContent(), undefined);
      });

      it('a destination that changes between two calls is left alone', async () => {
        const call = await prepare();
        inject(inCalls(2));
        const first = await transport.rewrite(call);
        assert.ok(!first.done);
        await putDestination('theirs');
        await failsAs(transport.rewrite({ ...call, rewriteToken: first.rewriteToken }), 'preconditionFailed');
        assert.equal(await destinationContent(), 'theirs');
      });

      it('of ten at once exactly one', async () => {
        const call = await prepare();
        const results = await Promise.allSettled(Array.from({ length: 10 }, () => transport.rewrite(call)));
        assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1);
        for (const result of results) {
          if (result.status === 'rejected') assert.ok(isStorageError(result.reason, 'preconditionFailed'));
        }
        assert.equal(storage.proxy.writes(storage.destinationBucket, name), 1);
      });
    });

    describe('says what is not there', () => {
      it('the source', async () => {
        const call = await prepare();
        await storage.emulator.deleteObject(storage.sourceBucket, name);
        assertError(await storageError(transport.rewrite(call)), { title: '', kind: 'notFound', status: 404 });
      });

      itWhereStrict('the generation of the source', async () => {
        const call = await prepare();
        await storage.emulator.putObject(storage.sourceBucket, name, 'replaced');
        await failsAs(transport.rewrite(call), 'notFound');
        assert.equal(await destinationContent(), undefined);
      });

      it('the bucket of the destination', async () => {
        const call = await prepare();
        await failsAs(transport.rewrite({ ...call, destination: { bucket: 'no-such-bucket', name } }), 'notFound');
      });
    });

    describeWhereStrict('classifies', () => {
      for (const errorCase of ERROR_CASES) {
        it(`${errorCase.title} as ${errorCase.kind}`, async () => {
          const call = await prepare();
          inject(errorCase.fault);
          assertError(await storageError(transport.rewrite(call)), errorCase);
          assert.equal(requests().length, 1, 'it repeats nothing');
        });
      }

      for (const [title, fault] of [
        ['no answer in time', holdBefore()],
        ['an answer that stalls', stallAnswer()],
      ] as const) {
        it(`${title} as unavailable`, async () => {
          const call = await prepare();
          inject(fault);
          const impatient = createTransport(storage.config, { timeoutMs: 100 });
          await failsAs(impatient.rewrite(call), 'unavailable');
          assert.equal(requests().length, 1, 'it repeats nothing');
        });
      }

      it('nobody listening as unavailable', async () => {
        const call = await prepare();
        const config = { ...storage.config, emulatorHost: 'http://127.0.0.1:1' };
        const lost = createTransport(config, { timeoutMs: TIMEOUT_MS });
        await failsAs(lost.rewrite(call), 'unavailable');
      });

      it('an answer lost after the write as unavailable, and writes once', async () => {
        const call = await prepare();
        inject(resetAfter());
        await failsAs(transport.rewrite(call), 'unavailable');
        assert.equal(await destinationContent(), CONTENT);
        assert.equal(storage.proxy.writes(storage.destinationBucket, name), 1);
        assert.equal(requests().length, 1, 'it repeats nothing');
      });
    });

    describe('takes names as they are:', () => {
      for (const [title_, objectName] of AWKWARD_NAMES) {
        it(title_, async () => {
          const call = await prepare(title_, objectName);
          const answer = await transport.rewrite(call);
          assert.ok(answer.done);
          assert.equal(answer.object.name, objectName);
          assert.equal(await destinationContent(objectName), title_);
        });
      }

      it('composed and decomposed letters are two names', async () => {
        await transport.rewrite(await prepare('composed', `${name}/\u00e9`));
        await transport.rewrite(await prepare('decomposed', `${name}/e\u0301`));
        assert.equal(await destinationContent(`${name}/\u00e9`), 'composed');
        assert.equal(await destinationContent(`${name}/e\u0301`), 'decomposed');
      });
    });
  });
}
