import assert from 'node:assert/strict';
import { encodeContinuationToken } from '../../api/views/continuation-token.ts';
import { encodeJobsToken } from '../../api/views/jobs-token.ts';
import { assertAnswer, ID, page, OTHER_ID, setUp, token } from './support.ts';

const AS_ALICE = { authorization: `Bearer ${token}` };

describe('ids in a path', () => {
  const VIEWS = [
    (id: string) => ['GET', `/apollo/files/track/${id}`],
    (id: string) => ['GET', `/apollo/files/copy/${id}/report`],
    (id: string) => ['GET', `/apollo/status/logs?correlationId=${id}`],
    (id: string) => ['GET', `/apollo/status/events?correlationId=${id}`],
    (id: string) => ['POST', `/apollo/files/copy/${id}/cancel`],
    (id: string) => ['POST', `/apollo/files/copy/${id}/retry`],
  ] as const;

  const NO_IDS = [
    ...[
      '%',
      '%zz',
      '%E0%A4%A',
      '%ff',
      '%00',
      `${ID}%00`,
      `${ID}%20`,
      `%20${ID}`,
      `${ID}%0a`,
      `{${ID}}`,
      `urn:uuid:${ID}`,
    ],
    ...[ID.replaceAll('-', ''), ID.replace('c', '%EF%BD%83'), ID.replace('7', '%EF%BC%97'), ID.replace('7', '%D9%A7')],
    ...['%F0%9F%97%82', 'x'.repeat(8_000), '__proto__', 'constructor', `${ID},${OTHER_ID}`, `reconcile-${ID}`],
  ];
  for (const id of NO_IDS) {
    it(`that are none are of no job, in every view: ${id.slice(0, 60)}`, async () => {
      for (const view of VIEWS) {
        const [method = '', path = ''] = view(id);
        const { app, calls } = setUp();
        const response = await app.request(path, { method, headers: AS_ALICE });
        await assertAnswer(response, 404, 'No records found');
        assert.deepEqual(calls, []);
        const header = response.headers.get('x-correlation-id');
        assert.ok(header === null || path.endsWith('/retry'), header ?? '');
      }
    });
  }

  it('are the same percent-encoded, and in capitals', async () => {
    for (const id of [ID.toUpperCase(), ID.replace('-', '%2D'), ID.replace('c', '%63').replace('7', '%37')]) {
      for (const view of VIEWS.slice(0, 3)) {
        const [, path = ''] = view(id);
        const { app, calls } = setUp();
        const response = await app.request(path, { headers: AS_ALICE });
        assert.equal(response.status, 200, path);
        assert.equal(response.headers.get('x-correlation-id'), ID);
        assert.ok(calls.every(([, asked]) => asked === ID));
      }
    }
  });
});

describe('tokens of pages', () => {
  const logs = (continuationToken: string) =>
    `/apollo/status/logs?correlationId=${ID}&continuationToken=${encodeURIComponent(continuationToken)}`;

  it('that are forged ask as far as they go, and are answered an empty page', async () => {
    const { get, calls } = setUp({ jobs: { page: () => Promise.resolve(page([])) } });
    const response = await get(logs(encodeContinuationToken(ID, 0xff_ff_ff_ff)));
    assert.deepEqual(await assertAnswer(response, 200), []);
    assert.equal(calls.length, 1);
  });

  it('of another job, cut, prolonged or spelt otherwise are answered 400, and nothing is read', async () => {
    const good = encodeContinuationToken(ID, 5);
    for (const bad of [
      ...[encodeContinuationToken(OTHER_ID, 5), good.slice(1), `${good}A`, `${good}=`, ` ${good}`, `${good}\n`],
      ...['', '🗂', '\u0000', '[object Object]', 'x'.repeat(10_000)],
    ]) {
      const { get, calls } = setUp();
      await assertAnswer(await get(logs(bad)), 400);
      assert.deepEqual(calls, []);
    }
  });

  it("of another caller's list of jobs, or of no time there is, are answered 400", async () => {
    const cursor = { startedAt: 1, correlationId: ID };
    const own = encodeJobsToken({ caller: 'alice', filter: { requestor: 'alice' } }, cursor);
    const endless = Buffer.from(own, 'base64url');
    endless.fill(0xff, 9, 17);
    for (const [bad, status] of [
      [own, 200],
      [encodeJobsToken({ caller: 'bob', filter: { requestor: 'bob' } }, cursor), 400],
      [encodeJobsToken({ caller: 'root', filter: {} }, cursor), 400],
      [endless.toString('base64url'), 400],
      ['AQ', 400],
    ] as const) {
      const { get } = setUp();
      await assertAnswer(await get(`/apollo/files/copy?continuationToken=${bad}`), status);
    }
  });
});
