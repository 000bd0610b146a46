import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CONTROL_BUCKET } from '../../dev/stack.ts';
import { toJson } from '../support/temporal-history.ts';
import { answerError, holdBefore } from '../support/storage-proxy/index.ts';
import type { Caller } from './support/caller.ts';
import { fileStates } from './support/caller.ts';
import { httpTo, type JobBody } from './support/http.ts';
import { useWorld } from './support/world.ts';

interface OpenApi {
  paths: Record<string, Record<string, { parameters?: { name: string; in: string }[] }>>;
}

/** Every route that is about one job, as the service documents them: a new one cannot be forgotten here. */
async function jobRoutes(apiUrl: string) {
  const { paths } = (await httpTo(apiUrl).get<OpenApi>('/openapi.json')).body;
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, { parameters = [] }]) => {
      const id = parameters.find(({ name, in: where }) => name === 'correlationId' && where !== 'header');
      if (id === undefined) return [];
      const target = (correlationId: string) =>
        id.in === 'path' ? path.replace('{correlationId}', correlationId) : `${path}?correlationId=${correlationId}`;
      return [{ title: `${method.toUpperCase()} ${path}`, method, target }];
    }),
  );
}

describe("another caller's job", () => {
  const world = useWorld('calm');

  it('does not exist, on any route: the answers are those for an id that nobody has', async () => {
    const { stack, proxy } = world();
    const caller = await world().newCaller();
    const [name = ''] = await caller.files(1);
    const hold = holdBefore();
    proxy.inject(caller.rewrites(), hold);
    const running = await caller.start([name]);
    const stranger = await stack.token({ sub: `stranger-to-${caller.name}` });
    const ask = async (method: string, target: string) => {
      const headers = { authorization: `Bearer ${stranger}` };
      const response = await fetch(stack.apiUrl + target, { method: method.toUpperCase(), headers });
      return { status: response.status, text: await response.text() };
    };
    const routes = await jobRoutes(stack.apiUrl);
    assert.ok(routes.length >= 7, 'there are such routes');
    for (const { title, method, target } of routes) {
      const unknown = await ask(method, target(randomUUID()));
      assert.equal(unknown.status, 404, title);
      assert.deepEqual(await ask(method, target(running)), unknown, title);
    }
    const list = await httpTo(stack.apiUrl, stranger).get<JobBody>('/apollo/files/copy?limit=1000');
    assert.doesNotMatch(JSON.stringify(list.body), new RegExp(running));

    hold.release();
    const { job } = await caller.ended(running);
    assert.equal(job.state, 'Completed', 'none of it has stopped the job');
    for (const { title, method, target } of routes) {
      const unknown = await ask(method, target(randomUUID()));
      assert.deepEqual(await ask(method, target(running)), unknown, `${title}, once it has ended`);
    }
  });

  it('cannot be had by its id: a POST with that id is 409, and tells nothing of it', async () => {
    const caller = await world().newCaller();
    const other = await world().newCaller();
    const [name = ''] = await caller.files(1, 'secret-name');
    const { job } = await caller.copied([name]);
    await other.put('own.txt');
    const answer = await other.copy(['own.txt'], { id: job.correlationId });
    assert.equal(answer.status, 409);
    assert.doesNotMatch(JSON.stringify(answer.body), /secret-name|caller-/);
    assert.deepEqual(other.writes(['own.txt']), [0]);
  });
});

describe('access', () => {
  const world = useWorld('calm');
  const collectionsOf = async ({ http }: Caller) =>
    JSON.stringify((await http.get('/apollo/collections?minPermission=readonly')).body);

  it('that is taken away between two jobs is gone for the next one, a retry included', async () => {
    const caller = await world().newCaller();
    const [name = ''] = await caller.files(1);
    const { job } = await caller.copied([name, 'missing.txt']);
    assert.equal(job.state, 'CompletedWithErrors');

    for (const { read, write, gone } of [
      { read: [caller.name], write: [], gone: caller.destinationId },
      { read: [], write: [caller.name], gone: caller.sourceId },
    ]) {
      await caller.grant({ read, write });
      assert.equal((await caller.decided([name])).status, 403);
      assert.equal((await caller.retry(job.correlationId)).status, 403);
      assert.doesNotMatch(await collectionsOf(caller), new RegExp(`"${gone}"`));
    }
    assert.deepEqual(caller.writes([name, 'missing.txt']), [1, 0]);
    assert.deepEqual(await caller.locks(), []);

    await caller.grant({ read: [caller.name], write: [caller.name] });
    assert.equal((await caller.copied([name])).job.state, 'Completed');
  });

  it('is not had to what is no collection, whatever its id looks like', async () => {
    const caller = await world().newCaller();
    for (const id of [
      '__proto__',
      'constructor',
      'toString',
      '..',
      '%2e%2e%2fjobs',
      `${caller.sourceId}%00`,
      '*',
      ' ',
    ]) {
      const files = [{ sourceCollectionId: id, destinationCollectionId: caller.destinationId, fileName: 'a' }];
      const { status } = await caller.decidedPost('/apollo/files/copy', { copyFileCollectionData: files });
      assert.equal(status, 403, id);
    }
  });
});

describe('names that are made to break something', () => {
  const world = useWorld('calm');
  const NAMES = [
    ...['%2e%2e%2fescaped', '..%2f..%2fescaped', '%00', 'a%0d%0ab', '%', '%zz', 'a\\..\\b', '~root', '$HOME', '`id`'],
    ...['__proto__', 'constructor', 'prototype.polluted', 'job.json', 'locks', '@all', '*', '?alt=media', '#'],
    ...['<script>alert(1)</script>', '"><img src=x onerror=alert(1)>', '=cmd()', '+1', "'; DROP TABLE jobs; --"],
    ...['caf\u00e9', 'cafe\u0301', '\u202etxt.exe', '\u2028', '\ufeff', '👩‍👩‍👧', '{"level":60}', 'tab\there', '\u001b[2J'],
  ];

  it('are names like any other: copied, told and unlocked to the letter, and nothing beside them is written', async () => {
    const { stack } = world();
    const caller = await world().newCaller();
    for (const name of NAMES) await caller.put(name, `content of ${JSON.stringify(name)}`);
    const logs = await caller.copied(NAMES);
    assert.equal(logs.job.state, 'Completed');
    assert.deepEqual(
      logs.data.map(({ payload }) => payload.fileName),
      NAMES,
    );
    for (const name of NAMES) assert.equal(await caller.content(name), `content of ${JSON.stringify(name)}`);
    const { Detail } = (await caller.track(logs.job.correlationId)).body.data;
    assert.deepEqual(
      Detail.map(({ FileName }) => FileName),
      NAMES,
    );
    assert.deepEqual(
      (await stack.emulator.listObjects(caller.bucket, 'to/')).sort(),
      NAMES.map((name) => `to/${name}`).sort(),
    );
    assert.deepEqual(await caller.locks(), []);
    assert.equal('polluted' in {}, false);
  });

  it('may be 1,024 bytes long together with the prefix of the collection, and no longer', async () => {
    const caller = await world().newCaller();
    const room = 1_024 - 'from/'.length;
    const longest = `${`${'x'.repeat(199)}/`.repeat(5)}${'y'.repeat(room)}`.slice(0, room);
    await caller.put(longest);
    assert.deepEqual(fileStates(await caller.copied([longest])), { [longest]: 'Completed' });
    const { status, body } = await caller.decided([`${longest}z`]);
    assert.equal(status, 400);
    assert.match(body.data.Errors[0]?.message ?? '', /1024 UTF-8 bytes together with the collection's prefix/);
  });
});

describe('a token', () => {
  const world = useWorld('calm');

  /** All text of a history, memo and search attributes included; its payloads are in base64, and are put beside it. */
  function textOf(value: unknown): string {
    const text = JSON.stringify(value);
    const payloads = [...text.matchAll(/"data":"([A-Za-z0-9+/=]+)"/g)];
    return [text, ...payloads.map(([, data = '']) => Buffer.from(data, 'base64').toString())].join('\n');
  }

  it('is in no log, no history, no stored object and no answer, whatever became of its requests', async () => {
    const { stack, proxy, temporal } = world();
    const caller = await world().newCaller();
    const tokens = {
      good: await stack.token({ sub: caller.name }),
      expired: await stack.token({ sub: caller.name, expiresIn: -3_600 }),
      foreign: await stack.token({ sub: caller.name, claims: { iss: 'https://evil.example' } }),
      poor: await stack.token({ sub: caller.name, scopes: ['apollo_read'] }),
    };
    const answers: string[] = [];
    const ids: string[] = [];
    const send = async (token: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
      const id = randomUUID();
      ids.push(id);
      const response = await fetch(stack.apiUrl + path, {
        method: body === undefined ? 'GET' : 'POST',
        headers: {
          authorization: `Bearer ${token}`,
          'content-type': 'application/json',
          'x-correlation-id': id,
          ...headers,
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      answers.push(`${response.status} ${JSON.stringify([...response.headers])} ${await response.text()}`);
      return { id, status: response.status };
    };
    const names = await caller.files(2);
    proxy.inject(caller.rewrites(), answerError(503), { times: 1 });
    const request = caller.request([...names, 'missing.txt']);
    const done = await send(tokens.good, '/apollo/files/copy', request, { prefer: 'wait=30' });
    assert.equal(done.status, 200);
    await caller.ended(done.id);
    const long = Array.from({ length: 1_001 }, (_, index) => `missing-${index}`);
    await send(tokens.good, '/apollo/files/copy', caller.request(long), { prefer: 'wait=1' });
    for (const token of Object.values(tokens)) {
      await send(token, '/apollo/files/copy', request);
      await send(token, '/apollo/files/copy', { wrong: true });
      await send(token, `/apollo/status/logs?correlationId=${done.id}&access_token=${token}`);
      await send(token, `/apollo/files/track/${token}`);
      await send(token, `/apollo/status/logs?correlationId=${done.id}&continuationToken=${token}`);
      await send(`${token}x`, '/apollo/collections', undefined, { cookie: token, 'x-correlation-id': token });
      await send(token, `/apollo/files/copy/${done.id}/retry`, {});
    }

    const folder = join(stack.dataFolder, 'logs');
    const files = (await readdir(folder)).filter((file) => /^(?:api|worker)/i.test(file));
    const logs = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')));
    const histories: string[] = [];
    const objects: string[] = [];
    for (const id of ids) {
      const history = await temporal.workflow
        .getHandle(id)
        .fetchHistory()
        .catch(() => undefined);
      if (history === undefined) continue;
      histories.push(textOf(toJson(history)));
      const list = `${stack.storageUrl}/storage/v1/b/${CONTROL_BUCKET}/o?prefix=jobs/${id}/`;
      objects.push(await (await fetch(list)).text());
      for (const name of await stack.emulator.listObjects(CONTROL_BUCKET, `jobs/${id}/`)) {
        objects.push(Buffer.from((await stack.emulator.getObject(CONTROL_BUCKET, name)) ?? []).toString());
      }
    }
    const places = {
      ...{ answers: answers.join('\n'), logs: logs.join('\n') },
      ...{ histories: histories.join('\n'), objects: objects.join('\n') },
    };
    for (const [place, text] of Object.entries(places)) {
      assert.ok(text.includes(done.id), `the search sees what is in the ${place}`);
      assert.doesNotMatch(text, /Bearer ey/i, place);
      for (const [which, token] of Object.entries(tokens)) {
        const [, claims = '', signature = ''] = token.split('.');
        assert.ok(!text.includes(signature), `signature of the ${which} token in the ${place}`);
        assert.ok(!text.includes(claims), `claims of the ${which} token in the ${place}`);
      }
    }
    for (const place of ['logs', 'histories', 'objects'] as const)
      assert.ok(places[place].includes(caller.name), place);
  }).timeout(120_000);
});
