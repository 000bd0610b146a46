import assert from 'node:assert/strict';
import { ServiceUnavailableError, type CopyAnswer } from '../../api/jobs/job-service.ts';
import type { Admission } from '../../contract/messages.ts';
import { StorageError } from '../../storage/errors.ts';
import {
  assertAnswer,
  assertMistakes,
  copyBody,
  FORBIDDEN_TEXT,
  ID,
  NOW,
  readerToken,
  setUp,
  signToken,
} from './support.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

const answering = (answer: CopyAnswer) => setUp({ jobs: { copy: () => Promise.resolve(answer) } });
const deciding = (admission: Admission) => answering({ kind: 'decided', requested: 2, admission });

describe('POST /apollo/files/copy', () => {
  it('answers an accepted request with the documented texts, to the letter', async () => {
    const { copy } = setUp();
    const response = await copy(copyBody(2), { 'x-correlation-id': ID });
    assert.equal(response.status, 200);
    assert.deepEqual(await response.json(), {
      status: { message: 'Files copying completed', code: '200' },
      data: {
        Result: `Please check the status of your request at statusURL: https://apollo.example.com/apollo/status/logs?correlationId=${ID}`,
        Message: 'Number of file copy requests:2',
        CorrelationId: ID,
      },
    });
    assert.equal(response.headers.get('x-correlation-id'), ID);
  });

  it('hands the job over with its caller, principals, defaults and time of receipt', async () => {
    const { copy, calls } = setUp();
    const authorization = `Bearer ${await signToken({ client_id: 'app-1' })}`;
    await copy(
      { copyFileCollectionData: [{ sourceCollectionId: 'a', destinationCollectionId: 'b', fileName: 'x/ü #?.jpg' }] },
      { 'x-correlation-id': ID.toUpperCase(), authorization },
    );
    assert.deepEqual(calls, [
      [
        'copy',
        {
          correlationId: ID,
          requestor: { caller: 'alice', principals: ['alice', 'app-1'] },
          request: {
            entries: [
              {
                sourceCollectionId: 'a',
                destinationCollectionId: 'b',
                fileName: 'x/ü #?.jpg',
                destinationFileName: 'x/ü #?.jpg',
              },
            ],
            options: { overwrite: 'always', onLocked: 'reject', priority: 3, dryRun: false },
          },
          digest: '115be71730adbc4e1b11cc3b9f3610a4ac8bfa24054d6181cc7cc114dd704dec',
          receivedAt: NOW,
        },
      ],
    ]);
  });

  it('takes a destination name and options as they are given', async () => {
    const { copy, calls } = setUp();
    const [entry] = copyBody(1).copyFileCollectionData;
    await copy({
      copyFileCollectionData: [{ ...entry, destinationFileName: 'other.jpg' }],
      options: { overwrite: 'ifDifferent', onLocked: 'wait', priority: 1, dryRun: true },
    });
    const [call] = calls;
    assert.ok(call?.[0] === 'copy' && 'entries' in call[1].request);
    assert.equal(call[1].request.entries[0]?.destinationFileName, 'other.jpg');
    const options = { overwrite: 'ifDifferent', onLocked: 'wait', priority: 1, dryRun: true };
    assert.deepEqual(call[1].request.options, options);
  });

  it('makes a correlation id where none is given, another for each request', async () => {
    const { copy, calls } = setUp();
    const ids = [];
    for (const response of [await copy(copyBody()), await copy(copyBody())]) {
      const data = (await assertAnswer(response, 200)) as { CorrelationId: string };
      assert.match(data.CorrelationId, UUID);
      assert.equal(response.headers.get('x-correlation-id'), data.CorrelationId);
      ids.push(data.CorrelationId);
    }
    assert.deepEqual(
      calls.map(([, job]) => (job as { correlationId: string }).correlationId),
      ids,
    );
    assert.notEqual(ids[0], ids[1]);
  });

  it('answers 202 with the same data where the admission is not decided in time', async () => {
    const { copy } = answering({ kind: 'undecided', requested: 7 });
    const response = await copy(copyBody(7), { 'x-correlation-id': ID });
    const data = (await assertAnswer(response, 202, 'Files copying requested')) as Record<string, string>;
    assert.equal(data.Message, 'Number of file copy requests:7');
    assert.equal(data.CorrelationId, ID);
    assert.equal(response.headers.get('x-correlation-id'), ID);
  });

  it('says that the number of files is pending where it is not known yet', async () => {
    const { copy } = answering({ kind: 'decided', requested: null, admission: { decision: 'accepted' } });
    const data = (await assertAnswer(await copy(copyBody()), 200)) as Record<string, string>;
    assert.equal(data.Message, 'Number of file copy requests:pending');
  });

  it('counts the files of the job that was found, not of the request', async () => {
    const data = await assertAnswer(await deciding({ decision: 'accepted' }).copy(copyBody(1)), 200);
    assert.equal((data as Record<string, string>).Message, 'Number of file copy requests:2');
  });

  it('answers 403 with the documented text where access is not given, without saying to what', async () => {
    const { copy } = deciding({ decision: 'forbidden', message: 'ACCESS_DENIED: collection b' });
    const response = await copy(copyBody(), { 'x-correlation-id': ID });
    assert.equal(await assertAnswer(response, 403, FORBIDDEN_TEXT), null);
    assert.equal(response.headers.get('x-correlation-id'), ID);
  });

  it('answers 400 with the mistakes that admission found', async () => {
    const { copy } = deciding({
      decision: 'invalid',
      errors: [{ path: 'copyFileCollectionData[1].destinationFileName', message: 'is the same as of entry 0' }],
    });
    const response = await copy(copyBody(), { 'x-correlation-id': ID });
    await assertMistakes(response, ['copyFileCollectionData[1].destinationFileName: is the same as of entry 0']);
    assert.equal(response.headers.get('x-correlation-id'), ID);
  });

  it('answers 423 with the documented text and the files that are locked', async () => {
    const files = [{ collectionId: 'copies', fileName: 'a.jpg' }];
    const response = await deciding({ decision: 'locked', files }).copy(copyBody(), { 'x-correlation-id': ID });
    assert.deepEqual(await assertAnswer(response, 423, 'File already Locked'), { Files: files });
    assert.equal(response.headers.get('x-correlation-id'), ID);
  });

  it('answers 409 where the correlation id belongs to something else', async () => {
    const response = await answering({ kind: 'conflict' }).copy(copyBody(), { 'x-correlation-id': ID });
    assert.equal(await assertAnswer(response, 409), null);
    assert.equal(response.headers.get('x-correlation-id'), ID);
  });

  it('answers 409, and says why, where the job was ended by force before it was decided', async () => {
    const response = await answering({ kind: 'abandoned' }).copy(copyBody(), { 'x-correlation-id': ID });
    const text = 'The job of this correlation id was ended by force before it was decided, please use a new id';
    assert.equal(await assertAnswer(response, 409, text), null);
  });

  for (const dependency of ['temporal', 'storage'] as const) {
    it(`answers 503 with Retry-After and a correlation id where ${dependency} does not answer`, async () => {
      const { copy, lines } = setUp({
        jobs: { copy: () => Promise.reject(new ServiceUnavailableError(dependency, new Error('10.0.0.7 refused'))) },
      });
      const response = await copy(copyBody());
      assert.ok(lines.some((line) => line.msg === 'dependency does not answer' && line['dependency'] === dependency));
      assert.equal(await assertAnswer(response, 503), null);
      assert.match(response.headers.get('retry-after') ?? '', /^\d+$/);
      assert.match(response.headers.get('x-correlation-id') ?? '', UUID);
      assert.doesNotMatch(await response.text(), /10\.0\.0\.7/);
    });
  }

  it('answers 503 where storage refuses, and does not log that it did not answer', async () => {
    const cause = new StorageError('forbidden', '403: no right to write', { status: 403 });
    const { copy, lines } = setUp({
      jobs: { copy: () => Promise.reject(new ServiceUnavailableError('storage', cause)) },
    });
    assert.equal(await assertAnswer(await copy(copyBody()), 503), null);
    assert.ok(lines.some((line) => line.msg === 'dependency refuses' && line['dependency'] === 'storage'));
    assert.doesNotMatch(JSON.stringify(lines), /does not answer/);
  });

  it('answers 500 without saying why, and logs the reason under the correlation id', async () => {
    const { copy, lines } = setUp({ jobs: { copy: () => Promise.reject(new TypeError('secret detail')) } });
    const response = await copy(copyBody(), { 'x-correlation-id': ID });
    assert.equal(await assertAnswer(response, 500), null);
    assert.doesNotMatch(await response.text(), /secret detail/);
    assert.equal(response.headers.get('x-correlation-id'), ID);
    const logged = lines.find(({ msg }) => msg === 'request failed');
    assert.equal(logged?.correlationId, ID);
    assert.match(JSON.stringify(logged), /secret detail/);
  });
});

describe('the order of checks on POST /apollo/files/copy', () => {
  const conflict = { jobs: { copy: () => Promise.resolve({ kind: 'conflict' as const }) } };
  const large = { 'content-length': String(64 * 1024 * 1024 + 1) };
  const bad = { 'x-correlation-id': 'none' };
  const noJson = { 'content-type': 'text/plain' };
  const noScope = { authorization: `Bearer ${readerToken}` };
  const noToken = { authorization: '' };

  // Each request deserves every answer from its own on; the first in this order is the one to get.
  const cases: [status: number, what: string, headers: Record<string, string>][] = [
    [401, 'the token', { ...noToken, ...noScope, authorization: 'Bearer x', ...noJson, ...large, ...bad }],
    [403, 'the scopes', { ...noScope, ...noJson, ...large, ...bad }],
    [415, 'the content type', { ...noJson, ...large, ...bad }],
    [413, 'the size', { ...large, ...bad }],
    [400, 'the shape', bad],
    [409, 'the correlation id', { 'x-correlation-id': ID }],
  ];
  for (const [status, what, headers] of cases) {
    it(`answers ${status}: ${what} comes before what follows it`, async () => {
      const { post, calls } = setUp(conflict);
      const body = status === 409 ? JSON.stringify(copyBody()) : '{"copyFileCollectionData": []';
      const response = await post('/apollo/files/copy', body, headers);
      await assertAnswer(response, status);
      assert.equal(calls.length, status === 409 ? 1 : 0, 'only a request of the right shape reaches the jobs');
    });
  }

  it('does not read the body of somebody without a token', async () => {
    const { app } = setUp();
    let pulls = 0;
    const body = new ReadableStream({ pull: () => void (pulls += 1) }, { highWaterMark: 0 });
    const response = await app.request('/apollo/files/copy', { method: 'POST', body, duplex: 'half' });
    assert.equal(response.status, 401);
    assert.equal(pulls, 0);
  });
});
