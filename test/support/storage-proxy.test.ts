import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { makeTestStorage, type TestStorage } from './emulator.ts';
import {
  answerError,
  breakAnswer,
  delay,
  holdAfter,
  holdBefore,
  inCalls,
  inPartsOf,
  resetAfter,
  resetBefore,
  stallAnswer,
} from './storage-proxy/index.ts';
import { RequestLog } from './storage-proxy/request-log.ts';
import { parseRequest } from './storage-proxy/storage-request.ts';

/** A call that is not answered fails after this, in milliseconds, whatever else the machine does. */
const TIMEOUT_MS = 30_000;

/** Other tests rest on it, so it is held to what Cloud Storage does, with a client of its own. */
describe('storage proxy', () => {
  let storage: TestStorage;
  let name: string;

  before(async () => {
    storage = await makeTestStorage();
  });

  beforeEach(() => {
    name = randomUUID();
  });

  afterEach(() => {
    storage.proxy.removeFaults();
  });

  const objectPath = (object = name) => `/storage/v1/b/${storage.sourceBucket}/o/${encodeURIComponent(object)}`;

  async function call(method: string, path: string, body?: string): Promise<{ status: number; body: Resource }> {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const response = await fetch(storage.proxy.url + path, { method, signal, ...(body !== undefined && { body }) });
    const text = await response.text();
    return { status: response.status, body: (text === '' ? {} : JSON.parse(text)) as Resource };
  }

  interface Resource {
    generation?: string;
    done?: boolean;
    rewriteToken?: string;
    totalBytesRewritten?: string;
    error?: { code: number; errors: { reason: string }[] };
  }

  const upload = (query = '', object = name, content = 'content') =>
    call('POST', `/upload/storage/v1/b/${storage.sourceBucket}/o?uploadType=media&name=${object}${query}`, content);
  const rewritePath = (to = `${name}-copy`) => `${objectPath()}/rewriteTo/b/${storage.sourceBucket}/o/${to}`;
  const rewrite = (query = '', to?: string) => call('POST', `${rewritePath(to)}?${query}`);
  const generationOf = async (object = name) => (await call('GET', objectPath(object))).body.generation ?? '';
  const writes = (object: string) => storage.proxy.writes(storage.sourceBucket, object);

  describe('holds writes to their preconditions:', () => {
    for (const [operation, send] of [
      ['an upload', (query: string) => upload(query, `${name}-copy`)],
      ['a rewrite', (query: string) => rewrite(query)],
    ] as const) {
      it(operation, async () => {
        await upload();
        assert.equal((await send('&ifGenerationMatch=1')).status, 412);
        assert.equal((await send('&ifGenerationMatch=0')).status, 200);
        assert.equal((await send('&ifGenerationMatch=0')).status, 412);
        const generation = await generationOf(`${name}-copy`);
        assert.equal((await send(`&ifGenerationMatch=${generation}`)).status, 200);
        const refused = await send(`&ifGenerationMatch=${generation}`);
        assert.equal(refused.status, 412);
        assert.equal(refused.body.error?.errors[0]?.reason, 'conditionNotMet');
        assert.equal((await send('')).status, 200);
        assert.equal(writes(`${name}-copy`), 3);
      });

      it(`${operation}, of many at once`, async () => {
        await upload();
        const sent = Array.from({ length: 20 }, () => send('&ifGenerationMatch=0'));
        const statuses = (await Promise.all(sent)).map(({ status }) => status);
        assert.deepEqual(statuses.toSorted(), [200, ...Array.from({ length: 19 }, () => 412)]);
        assert.equal(writes(`${name}-copy`), 1);
      });
    }

    it('a deletion', async () => {
      await upload();
      assert.equal((await call('DELETE', `${objectPath()}?ifGenerationMatch=1`)).status, 412);
      assert.equal((await call('DELETE', `${objectPath()}?ifGenerationMatch=${await generationOf()}`)).status, 204);
      assert.equal((await call('DELETE', objectPath())).status, 404);
    });

    it('a rewrite to the generation of its source', async () => {
      await upload();
      assert.equal((await rewrite('sourceGeneration=1')).status, 404);
      assert.equal((await rewrite(`sourceGeneration=${await generationOf()}`)).status, 200);
    });

    it('and refuses those it does not check', async () => {
      await upload();
      for (const query of ['ifMetagenerationMatch=1', 'ifGenerationNotMatch=0', 'ifSourceGenerationMatch=1']) {
        assert.equal((await rewrite(query)).status, 501, query);
      }
      const resumable = `/upload/storage/v1/b/${storage.sourceBucket}/o?uploadType=resumable&name=${name}`;
      assert.equal((await call('POST', resumable, '')).status, 501);
    });
  });

  describe('answers rewrites in several calls', () => {
    it('where told so, with a token that belongs to the request', async () => {
      await upload();
      storage.proxy.inject({ operation: 'rewrite' }, inCalls(2), { times: 1 });
      const { rewriteToken = '', done } = (await rewrite()).body;
      assert.equal(done, false);
      assert.equal((await rewrite(`rewriteToken=${rewriteToken}`, `${name}-elsewhere`)).status, 400);
      assert.equal((await rewrite(`rewriteToken=${rewriteToken}&userProject=p`)).status, 400);
      assert.equal((await rewrite('rewriteToken=unknown')).status, 400);
      assert.equal((await rewrite(`rewriteToken=${rewriteToken}`)).body.done, true);
      assert.equal(writes(`${name}-copy`), 1);
    });

    it('by bytes', async () => {
      await upload('', name, 'x'.repeat(100));
      storage.proxy.inject({ operation: 'rewrite' }, inPartsOf(50));
      const { rewriteToken = '', totalBytesRewritten } = (await rewrite()).body;
      assert.equal(totalBytesRewritten, '50');
      assert.equal((await rewrite(`rewriteToken=${rewriteToken}`)).body.done, true);
    });
  });

  describe('injects faults', () => {
    const stat = () => call('GET', objectPath());

    it('as often as told, one after the other', async () => {
      await upload();
      storage.proxy.inject({ name }, answerError(429, { headers: { 'retry-after': '1' } }), { times: 2 });
      const rule = storage.proxy.inject({ name }, answerError(503));
      const statuses: number[] = [];
      for (let request = 0; request < 4; request += 1) statuses.push((await stat()).status);
      rule.remove();
      statuses.push((await stat()).status);
      assert.deepEqual(statuses, [429, 429, 503, 503, 200]);
      assert.equal(rule.hits, 2);
    });

    it('where operation, bucket and name agree, or where a function says', async () => {
      await upload();
      storage.proxy.inject({ operation: 'upload', name }, answerError(503));
      storage.proxy.inject({ bucket: 'another', name }, answerError(503));
      storage.proxy.inject({ operation: ['rewrite', 'delete'], name: /-copy$/ }, answerError(503));
      storage.proxy.inject(({ query }) => query['generation'] === '7', answerError(500));
      assert.equal((await stat()).status, 200);
      assert.equal((await upload()).status, 503);
      assert.equal((await rewrite()).status, 503);
      assert.equal((await rewrite('', `${name}-other`)).status, 200);
      assert.equal((await call('GET', `${objectPath()}?generation=7`)).status, 500);
    });

    it('before and after the write', async () => {
      await upload();
      for (const [fault, written] of [
        [resetBefore(), 0],
        [resetAfter(), 1],
        [breakAnswer(), 2],
      ] as const) {
        storage.proxy.inject({ operation: 'rewrite' }, fault, { times: 1 });
        await assert.rejects(rewrite());
        assert.equal(writes(`${name}-copy`), written);
      }
    });

    it('that send half of the answer to a write, and nothing more', async () => {
      await upload();
      storage.proxy.inject({ operation: 'rewrite' }, stallAnswer(), { times: 1 });
      const patience = new AbortController();
      const options = { method: 'POST', signal: patience.signal };
      const answer = await fetch(`${storage.proxy.url}${rewritePath()}`, options);
      assert.equal(answer.status, 200);
      assert.equal(writes(`${name}-copy`), 1);
      const whole = answer.text();
      setTimeout(() => {
        patience.abort();
      }, 200);
      await assert.rejects(whole, { name: 'AbortError' });
    });

    it('that hold a request before it is carried out, or its answer', async () => {
      await upload();
      for (const [hold, written] of [
        [holdBefore(), 0],
        [holdAfter(), 1],
      ] as const) {
        const to = `${name}-${written}`;
        storage.proxy.inject({ operation: 'rewrite', name: to }, hold);
        const rewritten = rewrite('', to);
        await hold.reached;
        assert.equal(writes(to), written);
        hold.release();
        assert.equal((await rewritten).status, 200);
        assert.equal(writes(to), 1);
      }
    });

    it('that hold many requests, and tell when so many have come', async () => {
      await upload();
      const hold = holdBefore();
      storage.proxy.inject({ operation: 'rewrite' }, hold);
      const requests = storage.proxy.requestsFromNow({ operation: 'rewrite' });
      const rewritten = Array.from({ length: 5 }, (_, index) => rewrite('', `${name}-${index}`));
      await hold.reachedBy(5);
      assert.deepEqual(
        requests().map(({ status }) => status),
        Array.from({ length: 5 }, () => undefined),
      );
      hold.release();
      await Promise.all(rewritten);
    });

    it('together: all that match', async () => {
      await upload();
      storage.proxy.inject({ name }, delay(20));
      storage.proxy.inject({ name }, answerError(503));
      const startedAt = performance.now();
      assert.equal((await stat()).status, 503);
      assert.ok(performance.now() - startedAt >= 19);
    });
  });

  it('logs requests with their times, and tells of the next one', async () => {
    const next = storage.proxy.nextRequest({ operation: 'rewrite', name: `${name}-copy` });
    await upload();
    await rewrite('userProject=p');
    const [uploaded] = storage.proxy.requests({ name });
    const [rewritten] = storage.proxy.requests({ name: `${name}-copy` });
    assert.equal(await next, rewritten);
    assert.deepEqual([uploaded?.operation, uploaded?.status], ['upload', 200]);
    assert.deepEqual([rewritten?.operation, rewritten?.status], ['rewrite', 200]);
    assert.deepEqual(rewritten?.query, { userProject: 'p' });
    const moments = [uploaded?.arrivedAt, uploaded?.answeredAt, rewritten.arrivedAt, rewritten.answeredAt];
    for (const clock of ['monotonic', 'epoch'] as const) {
      const order = moments.map((moment) => moment?.[clock] ?? 0);
      assert.deepEqual(
        order,
        order.toSorted((one, other) => one - other),
      );
    }
  });

  it('logs 20,000 requests and more, and tells which have come since a moment while it has them all', () => {
    const log = new RequestLog();
    const arrive = (count: number) => {
      for (let each = 0; each < count; each += 1) {
        log.arrived(parseRequest('GET', `/storage/v1/b/bucket/o/${each}`, {}, Buffer.alloc(0)));
      }
    };
    arrive(19_990);
    const since = log.fromNow({ bucket: 'bucket' });
    arrive(100);
    assert.ok(log.requests({}).length < 19_990, 'some are forgotten');
    assert.deepEqual(
      since().map(({ name: logged }) => logged),
      Array.from({ length: 100 }, (_, index) => String(index)),
    );
    arrive(20_000);
    assert.throws(since, /forgotten/);
  });

  it('names every operation', async () => {
    await upload();
    await call('GET', objectPath());
    await fetch(`${storage.proxy.url}${objectPath()}?alt=media`).then((response) => response.text());
    await fetch(`${storage.proxy.url}/download${objectPath()}?alt=media`).then((response) => response.text());
    await call('GET', `/storage/v1/b/${storage.sourceBucket}/o?prefix=${name}`);
    await rewrite('', name);
    await call('DELETE', objectPath());
    const operations = storage.proxy
      .requests({ bucket: storage.sourceBucket })
      .slice(-7)
      .map(({ operation }) => operation);
    assert.deepEqual(operations, ['upload', 'stat', 'read', 'read', 'list', 'rewrite', 'delete']);
  });
});
