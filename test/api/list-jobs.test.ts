import assert from 'node:assert/strict';
import { ServiceUnavailableError, type JobCursor } from '../../api/jobs/job-service.ts';
import { JOB_STATES } from '../../contract/states.ts';
import { encodeJobsToken } from '../../api/views/jobs-token.ts';
import {
  adminToken,
  assertAnswer,
  assertMistakes,
  FORBIDDEN_TEXT,
  ID,
  JOB,
  OTHER_ID,
  readerToken,
  setUp,
} from './support.ts';

const JOBS = '/apollo/files/copy';
const asAdmin = { authorization: `Bearer ${adminToken}` };
const MICROSECONDS = 1_772_442_900_120_457;

describe('GET /apollo/files/copy', () => {
  it("answers the caller's jobs, as every view shows them, with paging", async () => {
    const { get, calls } = setUp();
    const response = await get(JOBS, { authorization: `Bearer ${readerToken}` });
    assert.equal(response.status, 200);
    assert.deepEqual(await response.json(), {
      status: { message: 'Copy jobs', code: '200' },
      data: [
        {
          correlationId: ID,
          state: 'Processing',
          counts: { requested: 2, completed: 1, skipped: 0, failed: 0, cancelled: 0, pending: 1, bytes: 48100 },
          startedAt: '2026-03-02T09:15:00.120+00:00',
          endedAt: null,
          message: '',
        },
      ],
      paging: { totalCount: 1, continuationToken: null },
    });
    assert.deepEqual(calls, [['list', { requestor: 'alice' }, { limit: 100 }]]);
  });

  it('passes on the filter, times in milliseconds', async () => {
    const { get, calls } = setUp();
    await get(`${JOBS}?state=Failed&startTime=2026-03-02T10:15:00%2B01:00&endTime=2026-03-02T09:15:00.5Z&limit=7`);
    const startTime = Date.UTC(2026, 2, 2, 9, 15);
    const filter = { requestor: 'alice', state: 'Failed', startTime, endTime: startTime + 500 };
    assert.deepEqual(calls, [['list', filter, { limit: 7 }]]);
  });

  it('goes on with the token it gave, to the end', async () => {
    const ids = [ID, OTHER_ID];
    const cursors: (JobCursor | undefined)[] = [];
    const { get } = setUp({
      jobs: {
        list(_filter, { after }) {
          cursors.push(after);
          const correlationId = ids[cursors.length - 1] ?? '';
          const next = cursors.length < ids.length ? { startedAt: MICROSECONDS, correlationId } : null;
          return Promise.resolve({ jobs: [{ ...JOB, correlationId }], totalCount: 2, next });
        },
      },
    });
    const seen: string[] = [];
    let token: string | null = '';
    while (token !== null) {
      const response = await get(`${JOBS}?limit=1${token && `&continuationToken=${token}`}`);
      const body = (await response.json()) as {
        data: { correlationId: string }[];
        paging: { totalCount: number; continuationToken: string | null };
      };
      assert.equal(body.paging.totalCount, 2);
      seen.push(...body.data.map(({ correlationId }) => correlationId));
      token = body.paging.continuationToken;
    }
    assert.deepEqual(seen, ids);
    assert.deepEqual(cursors, [undefined, { startedAt: MICROSECONDS, correlationId: ID }]);
  });

  describe('with requestor', () => {
    it('is for administrators, who without it see the jobs of everyone', async () => {
      const { get, calls } = setUp();
      await get(JOBS, asAdmin);
      await get(`${JOBS}?requestor=o'brien%5C`, asAdmin);
      assert.deepEqual(
        calls.map(([, filter]) => filter),
        [{}, { requestor: "o'brien\\" }],
      );
    });

    it('answers 403 to others, unless they name themselves', async () => {
      const { get, calls } = setUp();
      const response = await get(`${JOBS}?requestor=bob`);
      assert.equal(await assertAnswer(response, 403, FORBIDDEN_TEXT), null);
      assert.match(response.headers.get('www-authenticate') ?? '', /insufficient_scope.*apollo_admin/);
      await assertAnswer(await get(`${JOBS}?requestor=alice`), 200);
      assert.deepEqual(calls, [['list', { requestor: 'alice' }, { limit: 100 }]]);
    });
  });

  const tokenRule = 'continuationToken: must be the token of an earlier page of the same question';
  const timeRule = 'must be a time in ISO 8601 with offset ("+" is written "%2B" in a query), given once';
  const cursor = { startedAt: MICROSECONDS, correlationId: ID };
  const own = { caller: 'alice', filter: { requestor: 'alice' } };
  for (const [query, mistake] of [
    ['limit=0', 'limit: must be a whole number from 1 to 1000, given once'],
    ['state=Lost', `state: must be one of ${JOB_STATES.join(', ')}, given once`],
    ['startTime=2026-03-02', `startTime: ${timeRule}`],
    ['startTime=2026-03-02T09:15:00', `startTime: ${timeRule}`],
    ['endTime=2026-03-02T09:15:00+01:00', `endTime: ${timeRule}`],
    ['endTime=2026-02-30T09:15:00Z', `endTime: ${timeRule}`],
    ['requestor=', 'requestor: must be the name of a caller, given once'],
    ['continuationToken=', tokenRule],
    [`continuationToken=${ID}`, tokenRule],
    [`continuationToken=${encodeJobsToken(own, cursor)}%0A`, tokenRule],
    [`state=Failed&continuationToken=${encodeJobsToken(own, cursor)}`, tokenRule],
    [`continuationToken=${encodeJobsToken({ ...own, caller: 'bob' }, cursor)}`, tokenRule],
    [`continuationToken=${encodeJobsToken({ ...own, filter: { requestor: 'bob' } }, cursor)}`, tokenRule],
  ] as const) {
    it(`answers 400 to ${query}`, async () => {
      const { get, calls } = setUp();
      await assertMistakes(await get(`${JOBS}?${query}`), [mistake]);
      assert.deepEqual(calls, []);
    });
  }

  it('answers 503 with Retry-After where Temporal does not answer', async () => {
    const { get } = setUp({ jobs: { list: () => Promise.reject(new ServiceUnavailableError('temporal', null)) } });
    const response = await get(JOBS);
    assert.equal(await assertAnswer(response, 503), null);
    assert.ok(response.headers.has('retry-after'));
  });
});
