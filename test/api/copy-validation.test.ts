import assert from 'node:assert/strict';
import { assertAnswer, assertMistakes, copyBody, ENTRY, ID, setUp, token } from './support.ts';

const list = (...entries: unknown[]) => ({ copyFileCollectionData: entries });
const first = (field: string, message: string) => `copyFileCollectionData[0].${field}: ${message}`;

describe('validation of a copy request', () => {
  it('lists every mistake, of the body and of the header, each with its path', async () => {
    const { copy, calls } = setUp();
    const body = {
      copyFileCollectionData: [
        ENTRY,
        { ...ENTRY, fileName: 7, colour: 'red' },
        'a.jpg',
        { sourceCollectionId: '', destinationCollectionId: 'a/b', destinationFileName: '..' },
      ],
      options: {
        ...{ overwrite: 'sometimes', onLocked: 'later', priority: 6, dryRun: 'yes', dryRunn: true },
        maxFilesPerSecond: 0,
      },
      extra: 1,
    };
    const response = await copy(body, { 'x-correlation-id': 'not-a-uuid' });
    await assertMistakes(response, [
      'copyFileCollectionData[1].fileName: must be a string',
      'copyFileCollectionData[1].colour: is not a known field',
      'copyFileCollectionData[2]: must be an object that names one file',
      'copyFileCollectionData[3].sourceCollectionId: must not be empty',
      'copyFileCollectionData[3].destinationCollectionId: must not contain "/" or control characters',
      'copyFileCollectionData[3].fileName: is required',
      'copyFileCollectionData[3].destinationFileName: must not have "." or ".." as a path segment',
      'options.overwrite: must be one of always, never, ifDifferent',
      'options.onLocked: must be one of reject, wait, skip',
      'options.priority: must be a whole number from 1 to 5',
      'options.dryRun: must be true or false',
      'options.dryRunn: is not a known field',
      'options.maxFilesPerSecond: must be a number from 0.001 to 100000',
      'extra: is not a known field',
      'x-correlation-id: must be a UUID',
    ]);
    assert.equal(response.headers.get('x-correlation-id'), null, 'a bad id is not echoed');
    assert.deepEqual(calls, []);
  });

  const shapes: [what: string, body: unknown, mistakes: string[]][] = [
    ['null', null, [': must be a JSON object']],
    ['a list', [], [': must be a JSON object']],
    ['an empty object', {}, ['copyFileCollectionData: is required, or one of manifest and collection instead']],
    ['an empty list', list(), ['copyFileCollectionData: must name at least one file']],
    ['no list', { copyFileCollectionData: {} }, ['copyFileCollectionData: must be a list of the files to copy']],
    [
      'a text for a list',
      { copyFileCollectionData: 'text' },
      ['copyFileCollectionData: must be a list of the files to copy'],
    ],
    ['null for an entry', list(null), ['copyFileCollectionData[0]: must be an object that names one file']],
    ['null for options', { ...copyBody(), options: null }, ['options: must be an object']],
    [
      'a collection id that is too long',
      list({ ...ENTRY, sourceCollectionId: 'c'.repeat(257) }),
      [first('sourceCollectionId', 'must be at most 256 characters')],
    ],
    [
      'a control character in a collection id',
      list({ ...ENTRY, sourceCollectionId: 'a\u0007' }),
      [first('sourceCollectionId', 'must not contain "/" or control characters')],
    ],
    [
      'a lone surrogate in a collection id',
      list({ ...ENTRY, sourceCollectionId: '\ud800' }),
      [first('sourceCollectionId', 'must not contain a lone surrogate: it has no UTF-8 form')],
    ],
    [
      'a lone surrogate in a name',
      list({ ...ENTRY, fileName: 'a\udc00' }),
      [first('fileName', 'must not contain a lone surrogate: it has no UTF-8 form')],
    ],
    ['an empty name', list({ ...ENTRY, fileName: '' }), [first('fileName', 'must not be empty')]],
    [
      'a line feed in a name',
      list({ ...ENTRY, fileName: 'a\nb' }),
      [first('fileName', 'must not contain a carriage return, line feed or NUL')],
    ],
    [
      'a name of 1,025 bytes',
      list({ ...ENTRY, fileName: `a${'ü'.repeat(512)}` }),
      [first('fileName', 'must be at most 1024 UTF-8 bytes, but is 1025')],
    ],
    [
      'a null destination name',
      list({ ...ENTRY, destinationFileName: null }),
      [first('destinationFileName', 'must be a string')],
    ],
  ];
  for (const [what, body, mistakes] of shapes) {
    it(`refuses ${what}`, async () => {
      await assertMistakes(await setUp().copy(body), mistakes);
    });
  }

  it('takes names at their bounds and with every other character', async () => {
    const { copy } = setUp();
    const names = ['a'.repeat(1024), 'ü'.repeat(512), 'a//b/#?% +&.jpg', '/', 'e\u0301', '😀', '...', 'a..b', '<b>'];
    await assertAnswer(await copy(list(...names.map((fileName) => ({ ...ENTRY, fileName })))), 200);
    await assertAnswer(await copy(list({ ...ENTRY, sourceCollectionId: 'ü'.repeat(256) })), 200);
  });

  const texts: [what: string, body: RequestInit['body'], mistake: RegExp][] = [
    ['an empty body', '', /^: must be a JSON object, but the body is empty$/],
    ['half an object', '{"copyFileCollectionData": [', /^: must be JSON: /],
    ['text after the object', `${JSON.stringify(copyBody())}x`, /^: must be JSON: /],
    ['deep nesting', `${'['.repeat(100_000)}${']'.repeat(100_000)}`, /^: must be a JSON object$/],
    ['invalid UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), /^: must be UTF-8$/],
  ];
  for (const [what, body, mistake] of texts) {
    it(`refuses ${what}`, async () => {
      const data = await assertAnswer(await setUp().post('/apollo/files/copy', body), 400);
      const { Errors: errors } = data as { Errors: { path: string; message: string }[] };
      assert.equal(errors.length, 1);
      assert.match(`${errors[0]?.path ?? '?'}: ${errors[0]?.message ?? ''}`, mistake);
    });
  }

  it('reports a body that is no JSON together with a bad x-correlation-id', async () => {
    const response = await setUp().post('/apollo/files/copy', '', { 'x-correlation-id': '' });
    await assertMistakes(response, [
      ': must be a JSON object, but the body is empty',
      'x-correlation-id: must be a UUID',
    ]);
  });

  it('refuses an x-correlation-id that is sent twice', async () => {
    const { app, calls } = setUp();
    const headers = new Headers({ 'content-type': 'application/json' });
    headers.set('authorization', `Bearer ${token}`);
    headers.append('x-correlation-id', ID);
    headers.append('x-correlation-id', ID);
    const body = JSON.stringify(copyBody());
    const response = await app.request('/apollo/files/copy', { method: 'POST', headers, body });
    await assertMistakes(response, ['x-correlation-id: must be a UUID']);
    assert.deepEqual(calls, []);
  });

  it('refuses __proto__, constructor and prototype as fields, and is not changed by them', async () => {
    const text = `{"copyFileCollectionData": [{"sourceCollectionId": "a", "destinationCollectionId": "b",
      "fileName": "c", "__proto__": {"polluted": true}, "constructor": {"prototype": {"polluted": true}}}],
      "__proto__": {"polluted": true}}`;
    await assertMistakes(await setUp().post('/apollo/files/copy', text), [
      'copyFileCollectionData[0].__proto__: is not a known field',
      'copyFileCollectionData[0].constructor: is not a known field',
      '__proto__: is not a known field',
    ]);
    assert.equal('polluted' in {}, false);
  });

  it('does not let __proto__ stand in for a field that is missing', async () => {
    const text = `{"__proto__": ${JSON.stringify(copyBody())}}`;
    await assertMistakes(await setUp().post('/apollo/files/copy', text), [
      'copyFileCollectionData: is required, or one of manifest and collection instead',
      '__proto__: is not a known field',
    ]);
  });

  it('takes the last of two fields of the same name, as JSON.parse does', async () => {
    const { post, calls } = setUp();
    const entry = '{"sourceCollectionId": "a", "destinationCollectionId": "b", "fileName": "c", "fileName": "d"}';
    await assertAnswer(await post('/apollo/files/copy', `{"copyFileCollectionData": [${entry}]}`), 200);
    assert.match(JSON.stringify(calls), /"fileName":"d","destinationFileName":"d"/);
  });

  it('writes the path of an odd field name so that it can be told apart, and shortens a long one', async () => {
    const body = { ...copyBody(), 'a b"c': 1, ['k'.repeat(5000)]: 1 };
    await assertMistakes(await setUp().copy(body), [
      '["a b\\"c"]: is not a known field',
      `["${'k'.repeat(100)}…"]: is not a known field`,
    ]);
  });

  it('stops listing at 10,000 mistakes and says how many more there are', async () => {
    const fields = Object.fromEntries(Array.from({ length: 10_005 }, (_, index) => [`f${index}`, 0]));
    const data = await assertAnswer(await setUp().copy({ ...copyBody(), ...fields }), 400);
    const { Errors: errors } = data as { Errors: { path: string; message: string }[] };
    assert.equal(errors.length, 10_001);
    assert.deepEqual(errors.at(-1), { path: '', message: 'has 5 more mistakes' });
  });
});

describe('media type and size of a copy request', () => {
  const body = JSON.stringify(copyBody());
  const send = (headers: Record<string, string>) => setUp().post('/apollo/files/copy', body, headers);

  for (const type of [
    'application/json',
    'application/json; charset=utf-8',
    'Application/JSON;charset="UTF-8"',
    'application/json ; version=1',
  ]) {
    it(`takes ${type}`, async () => {
      await assertAnswer(await send({ 'content-type': type }), 200);
    });
  }

  for (const type of [
    'text/plain',
    'application/jsonx',
    'application/problem+json',
    'application/json; charset=iso-8859-1',
    'application/json, application/json',
    'application/x-www-form-urlencoded',
    '',
  ]) {
    it(`answers 415 to ${type === '' ? 'an empty content type' : type}`, async () => {
      await assertAnswer(await send({ 'content-type': type }), 415);
    });
  }

  it('answers 415 to a body without a content type, and to a compressed one', async () => {
    const { request } = setUp();
    const untyped = { method: 'POST', headers: { authorization: `Bearer ${token}` }, body: Buffer.from(body) };
    await assertAnswer(await request('/apollo/files/copy', untyped), 415);
    await assertAnswer(await send({ 'content-encoding': 'gzip' }), 415);
  });

  it('answers 415 and 413 before it looks for parameters, and tells of these with all that is wrong with the body', async () => {
    const { request } = setUp();
    const post = (headers: Record<string, string>, content: string) =>
      request('/apollo/files/copy?force=1', {
        ...{ method: 'POST', body: content },
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
      });
    await assertAnswer(await post({ 'content-type': 'text/plain' }, body), 415);
    await assertAnswer(await post({ 'content-length': String(64 * 1024 * 1024 + 1) }, body), 413);
    const paths = async (response: Response) =>
      ((await response.json()) as { data: { Errors: { path: string }[] } }).data.Errors.map(({ path }) => path);
    assert.deepEqual(await paths(await post({}, body)), ['force']);
    assert.deepEqual(await paths(await post({}, '{"copyFileCollectionData":[]}')), ['copyFileCollectionData', 'force']);
  });

  it('answers 413 by the declared length, without reading', async () => {
    await assertAnswer(await send({ 'content-length': String(64 * 1024 * 1024 + 1) }), 413);
  });

  it('answers 413 once more than 64 MiB have arrived, and stops reading there', async () => {
    const { request } = setUp();
    const mebibyte = new Uint8Array(1024 * 1024).fill(0x20);
    let sent = 0;
    let isCancelled = false;
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 1;
        controller.enqueue(mebibyte);
      },
      cancel() {
        isCancelled = true;
      },
    });
    const response = await request('/apollo/files/copy', {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: endless,
      duplex: 'half',
    });
    await assertAnswer(response, 413);
    assert.ok(isCancelled);
    assert.ok(sent <= 67, `read ${sent} MiB`);
  });

  it('answers 400 where the body breaks off', async () => {
    const broken = new ReadableStream({
      pull() {
        throw new Error('connection reset');
      },
    });
    const response = await setUp().request('/apollo/files/copy', {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: broken,
      duplex: 'half',
    });
    await assertMistakes(response, [': broke off before its end']);
  });
});
