import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { JobNotFoundError, ServiceUnavailableError } from '../../api/jobs/job-service.ts';
import type { FileRecord } from '../../contract/messages.ts';
import { assertAnswer, assertMistakes, file, ID, page, readerToken, setUp } from './support.ts';

const REPORT = `/apollo/files/copy/${ID}/report`;
const HEADER =
  'sourceCollectionId,destinationCollectionId,fileName,destinationFileName,size,crc32c,generation,state,retryCount,message\r\n';

/** A job of these files, served in pages of `size`. */
function inPages(files: FileRecord[], size: number) {
  return setUp({
    jobs: {
      page: (_id, _viewer, { from }) => {
        const end = from + size;
        const next = end < files.length ? end : null;
        return Promise.resolve(page(files.slice(from, end), { totalCount: files.length, next }));
      },
    },
  });
}

const files = Array.from({ length: 25 }, (_, index) => file(index));

describe('GET /apollo/files/copy/{correlationId}/report', () => {
  it('answers NDJSON, a row for each file, to a caller with apollo_read', async () => {
    const response = await inPages(files, 10).get(REPORT, { authorization: `Bearer ${readerToken}` });
    assert.equal(response.status, 200);
    assert.equal(response.headers.get('content-type'), 'application/x-ndjson');
    assert.equal(response.headers.get('content-disposition'), `attachment; filename="apollo-copy-${ID}.ndjson"`);
    assert.equal(response.headers.get('x-correlation-id'), ID);
    assert.equal(response.headers.get('cache-control'), 'no-store');
    const text = await response.text();
    assert.ok(text.endsWith('\n'));
    const rows = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { fileName: string });
    assert.deepEqual(rows[0], {
      sourceCollectionId: 'originals',
      destinationCollectionId: 'copies',
      fileName: 'file-0.jpg',
      destinationFileName: 'copy-0.jpg',
      size: 48100,
      crc32c: 'yZRlqg==',
      generation: '22',
      state: 'Completed',
      retryCount: 1,
      message: '',
    });
    assert.deepEqual(
      rows.map(({ fileName }) => fileName),
      files.map(({ fileName }) => fileName),
    );
  });

  it('answers CSV with one header row, nothing where a value is not known', async () => {
    const failed = file(0, {
      state: 'Failed',
      size: null,
      crc32c: null,
      generation: null,
      message: 'SOURCE_NOT_FOUND: no',
    });
    const response = await inPages([failed, file(1)], 1).get(`${REPORT}?format=csv`);
    assert.equal(response.headers.get('content-type'), 'text/csv; charset=utf-8');
    assert.equal(response.headers.get('content-disposition'), `attachment; filename="apollo-copy-${ID}.csv"`);
    assert.equal(
      await response.text(),
      `${HEADER}originals,copies,file-0.jpg,copy-0.jpg,,,,Failed,1,SOURCE_NOT_FOUND: no\r\n` +
        'originals,copies,file-1.jpg,copy-1.jpg,48100,yZRlqg==,22,Completed,1,\r\n',
    );
  });

  it('quotes in CSV what RFC 4180 wants quoted, and takes the edge off what a spreadsheet would run', async () => {
    const cases: [name: string, field: string][] = [
      ['a,b', '"a,b"'],
      ['say "x"', '"say ""x"""'],
      ['line\nfeed', '"line\nfeed"'],
      ['naïve 😀', 'naïve 😀'],
      ['a=1', 'a=1'],
      ['=1+1', "'=1+1"],
      ['+1', "'+1"],
      ['-1', "'-1"],
      ['@SUM(A1)', "'@SUM(A1)"],
      ['\tx', "'\tx"],
      ['\rx', `"'\rx"`],
      ['=cmd|"x",1', `"'=cmd|""x"",1"`],
    ];
    for (const [fileName, field] of cases) {
      const { get } = inPages([file(0, { fileName })], 1);
      const csv = await (await get(`${REPORT}?format=csv`)).text();
      assert.equal(csv.slice(HEADER.length), `originals,copies,${field},copy-0.jpg,48100,yZRlqg==,22,Completed,1,\r\n`);
      const row = JSON.parse(await (await get(REPORT)).text()) as { fileName: string };
      assert.equal(row.fileName, fileName, 'NDJSON has it to the letter');
    }
  });

  for (const [accept, type] of [
    ['text/csv', 'text/csv; charset=utf-8'],
    ['text/*, application/json;q=0.1', 'text/csv; charset=utf-8'],
    ['application/x-ndjson;q=0.5, text/csv;q=0.4', 'application/x-ndjson'],
    ['application/json', 'application/x-ndjson'],
    ['*/*', 'application/x-ndjson'],
    ['text/csv;q=0', 'application/x-ndjson'],
  ] as const) {
    it(`answers ${type} to Accept: ${accept}`, async () => {
      const response = await setUp().get(REPORT, { accept });
      assert.equal(response.headers.get('content-type'), type);
      assert.equal(response.headers.get('vary'), 'Accept');
    });
  }

  it('takes the query for what is wanted, whatever Accept says', async () => {
    const response = await setUp().get(`${REPORT}?format=ndjson`, { accept: 'text/csv' });
    assert.equal(response.headers.get('content-type'), 'application/x-ndjson');
  });

  it('is empty for a job without records, but for the header row', async () => {
    const { get } = inPages([], 1);
    assert.equal(await (await get(REPORT)).text(), '');
    assert.equal(await (await get(`${REPORT}?format=csv`)).text(), HEADER);
  });

  it('reads the next page when the one before has been taken, and none for who has gone', async () => {
    const { app, calls } = inPages(files, 1);
    const { authorization } = { authorization: `Bearer ${readerToken}` };
    const response = await app.request(REPORT, { headers: { authorization } });
    const reader = response.body!.getReader();
    await reader.read();
    await delay(20);
    assert.ok(calls.length <= 4, `read ${calls.length} pages ahead of the first row`);
    await reader.cancel();
    const read = calls.length;
    await delay(20);
    assert.equal(calls.length, read);
  });

  it('breaks off, and logs why, where a later page cannot be had', async () => {
    const { app, lines } = setUp({
      jobs: {
        page: (_id, _viewer, { from }) =>
          from === 0
            ? Promise.resolve(page([file(0)], { next: 1 }))
            : Promise.reject(new ServiceUnavailableError('storage', null)),
      },
    });
    const response = await app.request(REPORT, { headers: { authorization: `Bearer ${readerToken}` } });
    await assert.rejects(response.text());
    assert.equal(lines.filter(({ msg }) => msg === 'answer breaks off').length, 1);
  });

  for (const query of ['format=xml', 'format=', 'format=csv&format=csv']) {
    it(`answers 400 to ${query}`, async () => {
      const { get, calls } = setUp();
      await assertMistakes(await get(`${REPORT}?${query}`), ['format: must be one of ndjson, csv, given once']);
      assert.deepEqual(calls, []);
    });
  }

  it('answers 404 to an unknown job and to what is no UUID, 503 where nobody can say', async () => {
    const unknown = setUp({ jobs: { page: () => Promise.reject(new JobNotFoundError('x')) } });
    await assertAnswer(await unknown.get(REPORT), 404, 'No records found');
    await assertAnswer(await unknown.get('/apollo/files/copy/x/report'), 404, 'No records found');
    const down = setUp({ jobs: { page: () => Promise.reject(new ServiceUnavailableError('temporal', null)) } });
    const response = await down.get(REPORT);
    await assertAnswer(response, 503);
    assert.ok(response.headers.has('retry-after'));
  });
});
