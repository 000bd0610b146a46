import assert from 'node:assert/strict';
import { JobNotFoundError, ServiceUnavailableError } from '../../api/jobs/job-service.ts';
import type { FileRecord } from '../../contract/messages.ts';
import { assertAnswer, assertMistakes, file, ID, JOB, page, readerToken, setUp } from './support.ts';

const TRACK = `/apollo/files/track/${ID}`;

/** A job of these files, served in pages of at most `size`, whatever is asked for. */
function inPages(files: FileRecord[], size: number) {
  return setUp({
    jobs: {
      page: (_id, _viewer, { from, limit }) => {
        const end = from + Math.min(limit, size);
        return Promise.resolve(
          page(files.slice(from, end), { totalCount: files.length, next: end < files.length ? end : null }),
        );
      },
    },
  });
}

const manyFiles = Array.from({ length: 25 }, (_, index) => file(index));

describe('GET /apollo/files/track/{correlationId}', () => {
  it('answers summary and detail as documented, to a caller with apollo_read', async () => {
    const job = { ...JOB, counts: { ...JOB.counts, requested: 2, completed: 1, failed: 1, pending: 0 } };
    const failed = file(1, { state: 'Failed', message: 'SOURCE_NOT_FOUND: no such file', generation: null });
    const { get } = setUp({ jobs: { page: () => Promise.resolve(page([file(0), failed], { job })) } });
    const response = await get(TRACK, { authorization: `Bearer ${readerToken}` });
    assert.equal(response.status, 200);
    assert.equal(response.headers.get('x-correlation-id'), ID);
    assert.deepEqual(await response.json(), {
      status: { message: 'Track copied files', code: '200' },
      data: {
        Summary: { FilesRequestedToBeCopied: '2', Succeeded: '1', Failed: '1' },
        Detail: [
          {
            FileName: 'file-0.jpg',
            SourceCollectionId: 'originals',
            DestinationCollectionId: 'copies',
            SourceEntityId: 'bucket-a/in/file-0.jpg/11',
            DestinationEntityId: 'bucket-b/copy-0.jpg/22',
            Status: 1,
          },
          {
            FileName: 'file-1.jpg',
            SourceCollectionId: 'originals',
            DestinationCollectionId: 'copies',
            SourceEntityId: 'bucket-a/in/file-1.jpg/11',
            DestinationEntityId: '',
            Status: 2,
            ReasonOfFailure: 'SOURCE_NOT_FOUND: no such file',
          },
        ],
      },
    });
  });

  for (const [state, status] of [
    ['Requested', 0],
    ['Processing', 0],
    ['Completed', 1],
    ['Failed', 2],
    ['Skipped', 3],
    ['Cancelled', 4],
  ] as const) {
    it(`writes ${state} as ${status}, with a reason where the file ended otherwise than copied`, async () => {
      const { get } = inPages([file(0, { state, message: 'CODE: why' })], 10);
      const data = (await assertAnswer(await get(TRACK), 200)) as { Detail: Record<string, unknown>[] };
      assert.equal(data.Detail[0]?.Status, status);
      assert.equal(data.Detail[0].ReasonOfFailure, status > 1 ? 'CODE: why' : undefined);
    });
  }

  it('answers every file of a job that takes several pages, the same as if it took one', async () => {
    const paged = inPages(manyFiles, 10);
    const response = await paged.get(TRACK);
    assert.match(response.headers.get('content-type') ?? '', /^application\/json/);
    assert.equal(response.headers.get('x-correlation-id'), ID);
    assert.equal(await response.text(), await (await inPages(manyFiles, 1000).get(TRACK)).text());
    assert.deepEqual(
      paged.calls.map(([, , , request]) => request),
      [
        { from: 0, limit: 1000 },
        { from: 10, limit: 1000 },
        { from: 20, limit: 1000 },
      ],
    );
  });

  it('stays JSON where a page in the middle, or the first, has no file', async () => {
    const pages = [page([], { next: 5 }), page([file(5)], { next: 6 }), page([], { next: 9 }), page([file(9)])];
    const { get } = setUp({ jobs: { page: () => Promise.resolve(pages.shift() ?? page([])) } });
    const data = (await assertAnswer(await get(TRACK), 200)) as { Detail: { FileName: string }[] };
    assert.deepEqual(
      data.Detail.map(({ FileName }) => FileName),
      ['file-5.jpg', 'file-9.jpg'],
    );
  });

  it('breaks off, and logs why, where a later page cannot be had', async () => {
    let calls = 0;
    const { app, lines } = setUp({
      jobs: {
        page: () => {
          calls += 1;
          return calls === 1
            ? Promise.resolve(page(manyFiles.slice(0, 10), { next: 10 }))
            : Promise.reject(new ServiceUnavailableError('storage', null));
        },
      },
    });
    const response = await app.request(TRACK, { headers: { authorization: `Bearer ${readerToken}` } });
    assert.equal(response.status, 200);
    await assert.rejects(response.text());
    assert.equal(lines.find(({ msg }) => msg === 'answer breaks off')?.correlationId, ID);
  });

  it('is paged where limit or a token is given, with paging beside data', async () => {
    const { get } = inPages(manyFiles, 1000);
    const first = (await (await get(`${TRACK}?limit=20`)).json()) as Record<string, Record<string, unknown>>;
    assert.equal((first.data?.Detail as unknown[]).length, 20);
    assert.equal(first.paging?.totalCount, 25);
    const rest = await get(`${TRACK}?continuationToken=${String(first.paging.continuationToken)}`);
    const second = (await rest.json()) as Record<string, Record<string, unknown>>;
    assert.equal((second.data?.Detail as unknown[]).length, 5);
    assert.deepEqual(second.paging, { totalCount: 25, continuationToken: null });
  });

  it('answers 400 to a limit that is none and to a token of something else', async () => {
    const { get } = setUp();
    await assertMistakes(await get(`${TRACK}?limit=0`), ['limit: must be a whole number from 1 to 1000, given once']);
    await assertMistakes(await get(`${TRACK}?continuationToken=abc`), [
      'continuationToken: must be the token of an earlier page of this job',
    ]);
  });

  it('answers 404 to an unknown job and to what is no UUID alike', async () => {
    const { get, calls } = setUp({ jobs: { page: () => Promise.reject(new JobNotFoundError('x')) } });
    assert.equal(await assertAnswer(await get(TRACK), 404, 'No records found'), null);
    assert.equal(await assertAnswer(await get('/apollo/files/track/none'), 404, 'No records found'), null);
    assert.equal(calls.length, 1);
  });
});
