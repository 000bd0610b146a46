import assert from 'node:assert/strict';
import { StorageError } from '../../storage/errors.ts';
import { assertAnswer, assertMistakes, copyBody, ENTRY, ID, inputsDouble, setUp, token } from './support.ts';

const HEADERS = { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'x-correlation-id': ID };

/** A list of entries with names of this many characters. */
const entries = (count: number, nameLength = 20) =>
  Array.from({ length: count }, (_, index) => ({ ...ENTRY, fileName: String(index).padStart(nameLength, '0') }));

const list = (files: unknown[], more: object = {}) => ({ copyFileCollectionData: files, ...more });

function world(changes: Parameters<typeof inputsDouble>[0] = {}) {
  const { inputs, openInput } = inputsDouble(changes);
  const api = setUp({ openInput });
  const jobs = () => api.calls.flatMap((call) => (call[0] === 'copy' ? [call[1]] : []));
  const copy = (value: unknown, headers: Record<string, string> = {}) =>
    api.copy(value, { 'x-correlation-id': ID, ...headers });
  /** Sends chunks as they are pulled. */
  const stream = (chunks: AsyncIterable<Uint8Array>) =>
    api.request('/apollo/files/copy', {
      method: 'POST',
      headers: HEADERS,
      body: ReadableStream.from(chunks),
      duplex: 'half',
    });
  return { ...api, inputs, jobs, copy, stream };
}

describe('a long list', () => {
  it('is stored, an entry with its defaults a line, and the job is told where', async () => {
    const { copy, inputs, jobs } = world();
    const files = entries(1_001);
    const data = await assertAnswer(await copy(list(files, { options: { priority: 1 } })), 200);
    assert.equal((data as Record<string, string>).Message, 'Number of file copy requests:1001');
    const [input] = inputs;
    assert.deepEqual([inputs.length, input?.correlationId, input?.end], [1, ID, 'closed']);
    assert.deepEqual(
      input?.text,
      files.map((entry) => `${JSON.stringify({ ...entry, destinationFileName: entry.fileName })}\n`).join(''),
    );
    const [job] = jobs();
    assert.deepEqual(job?.request, {
      bulk: { kind: 'stored', object: `jobs/${ID}/input/1.ndjson`, generation: '7', count: 1_001 },
      options: { overwrite: 'always', onLocked: 'reject', priority: 1, dryRun: false },
    });
  });

  it('is one of more than 1,000 entries, or of more than 512 KiB with its defaults', async () => {
    const stored = async (files: object[]) => {
      const { copy, inputs } = world();
      await assertAnswer(await copy(list(files)), 200);
      return inputs.length === 1;
    };
    assert.equal(await stored(entries(1_000)), false);
    assert.equal(await stored(entries(1_001)), true);
    // With brackets, commas and quotes: 512 entries of exactly 1,024 bytes each, but for the opening bracket.
    const overhead = JSON.stringify({ ...ENTRY, fileName: '', destinationFileName: '' }).length + 1;
    const exact = entries(511, 100).map((entry) => ({
      ...entry,
      destinationFileName: 'x'.repeat(1_024 - overhead - 100),
    }));
    const last = (length: number) => ({ ...ENTRY, fileName: 'y', destinationFileName: 'x'.repeat(length) });
    const room = 1_024 - 1 - overhead - 1;
    assert.equal(await stored([...exact, last(room)]), false);
    assert.equal(await stored([...exact, last(room + 1)]), true);
  });

  it('has the same digest however it is written, and another one where it is another list', async () => {
    const { copy, stream, jobs } = world();
    const files = entries(1_500);
    await copy(list(files));
    await copy({ options: { overwrite: 'always' }, ...list(files) });
    const spaced = JSON.stringify(
      list(files.map((entry) => ({ destinationFileName: entry.fileName, ...entry }))),
      null,
      9,
    );
    await stream(chunksOf(Buffer.from(spaced), 1_000));
    await copy(list(files, { options: { overwrite: 'never' } }));
    await copy(list(files.toReversed()));
    const digests = jobs().map(({ digest }) => digest);
    assert.equal(digests[1], digests[0]);
    assert.equal(digests[2], digests[0]);
    assert.equal(new Set(digests).size, 3);
  });

  it('is a short one where it is only written at length', async () => {
    const { copy, stream, inputs, jobs } = world();
    const files = entries(900);
    await copy(list(files));
    const text = JSON.stringify(list(files)).replaceAll(',', `,${' '.repeat(300)}`);
    assert.ok(text.length > 512 * 1024);
    await assertAnswer(await stream(chunksOf(Buffer.from(text), 65_536)), 200);
    const [short, long] = jobs();
    assert.deepEqual(long, short);
    assert.deepEqual(inputs, []);
  });

  it('is stored while it arrives: a storage that takes its time makes the body wait', async () => {
    const room = Promise.withResolvers<undefined>();
    const waiting = Promise.withResolvers<undefined>();
    const { stream, inputs } = world({
      write: async () => {
        waiting.resolve(undefined);
        await room.promise;
      },
    });
    const body = Buffer.from(JSON.stringify(list(entries(100_000))));
    let sent = 0;
    const answer = stream(
      (async function* () {
        for await (const chunk of chunksOf(body, 65_536)) {
          sent += chunk.length;
          yield chunk;
        }
      })(),
    );
    await waiting.promise;
    await new Promise((resolve) => setImmediate(resolve));
    assert.ok(sent < 2 * 1024 * 1024, `${sent} of ${body.length} bytes were read`);
    room.resolve(undefined);
    await assertAnswer(await answer, 200);
    assert.equal(sent, body.length);
    assert.equal(inputs[0]?.end, 'closed');
  });

  it('lists the mistakes of all its entries and fields, and leaves nothing behind', async () => {
    const { copy, inputs, jobs } = world();
    const files: unknown[] = entries(2_000);
    files[1_500] = { ...ENTRY, fileName: 7, colour: 'red' };
    files[1_700] = 'a.jpg';
    files[1_999] = { ...ENTRY, fileName: '..', destinationFileName: 'x'.repeat(100_000) };
    const response = await copy(list(files, { options: { priority: 9 }, extra: {}, manifest: 1 }), {
      'x-correlation-id': 'none',
    });
    await assertMistakes(response, [
      'copyFileCollectionData[1500].fileName: must be a string',
      'copyFileCollectionData[1500].colour: is not a known field',
      'copyFileCollectionData[1700]: must be an object that names one file',
      'copyFileCollectionData[1999]: must be at most 65536 bytes of JSON',
      'options.priority: must be a whole number from 1 to 5',
      'extra: is not a known field',
      'manifest: must be an object that names a file with the list',
      'manifest: must not be given together with copyFileCollectionData',
      'x-correlation-id: must be a UUID',
    ]);
    assert.deepEqual(inputs, []);
    assert.deepEqual(jobs(), []);
  });

  it('is aborted where a mistake comes after much of it was stored', async () => {
    const { stream, inputs, jobs } = world();
    const files: unknown[] = entries(20_000);
    files[19_999] = null;
    await assertMistakes(await stream(chunksOf(Buffer.from(JSON.stringify(list(files))), 65_536)), [
      'copyFileCollectionData[19999]: must be an object that names one file',
    ]);
    assert.deepEqual(
      inputs.map(({ end }) => end),
      ['aborted'],
    );
    assert.deepEqual(jobs(), []);
  });

  it('stops listing at 1,000 mistakes and says how many more there are', async () => {
    const { copy } = world();
    const data = await assertAnswer(await copy(list(Array.from({ length: 5_000 }, () => null))), 400);
    const { Errors: errors } = data as { Errors: { path: string; message: string }[] };
    assert.equal(errors.length, 1_001);
    assert.deepEqual(errors.at(-1), { path: '', message: 'has 4000 more mistakes' });
  });

  const broken: [what: string, text: string, mistake: RegExp][] = [
    ['no JSON in the middle', `${JSON.stringify(list(entries(8_000))).slice(0, -100)}x`, /^: must be JSON: /],
    ['an end that is missing', JSON.stringify(list(entries(8_000))).slice(0, -1), /^: must be JSON: ends too early$/],
    ['text behind the object', `${JSON.stringify(list(entries(8_000)))}x`, /^: must be JSON: unexpected "x" at byte /],
    ['a text of a megabyte', JSON.stringify('x'.repeat(1 << 20)), /^: must be JSON: unexpected/],
    [
      'two lists',
      JSON.stringify(list(entries(8_000))).replace('{', '{"copyFileCollectionData":[],'),
      /^copyFileCollectionData: must be given once$/,
    ],
    [
      'a list that is none',
      JSON.stringify({ copyFileCollectionData: 'x'.repeat(1 << 20) }),
      /^copyFileCollectionData: must be a list of the files to copy$/,
    ],
    [
      'an empty list',
      `{"copyFileCollectionData":[${' '.repeat(1 << 20)}]}`,
      /^copyFileCollectionData: must name at least one file$/,
    ],
    [
      'options that are too long',
      JSON.stringify(list([ENTRY], { options: 'x'.repeat(1 << 20) })),
      /^options: must be at most/,
    ],
    [
      'nothing but an unknown field',
      JSON.stringify({ x: 'x'.repeat(1 << 20) }),
      /^(?:x: is not a known field|copyFileCollectionData: is required.*)$/,
    ],
  ];
  for (const [what, text, mistake] of broken) {
    it(`refuses ${what}, and leaves nothing behind`, async () => {
      const { stream, inputs } = world();
      const response = await stream(chunksOf(Buffer.from(text), 65_536));
      const { Errors: errors } = (await assertAnswer(response, 400)) as { Errors: { path: string; message: string }[] };
      for (const error of errors) assert.match(`${error.path}: ${error.message}`, mistake);
      assert.ok(inputs.every(({ end }) => end === 'aborted'));
    });
  }

  it('refuses __proto__ as a field, and is not changed by it', async () => {
    const { stream } = world();
    const text = JSON.stringify(list(entries(8_000))).replace('{"source', '{"__proto__":{"polluted":true},"source');
    const body = Buffer.from(text.replace('{', '{"__proto__":{"polluted":true},'));
    await assertMistakes(await stream(chunksOf(body, 65_536)), [
      '__proto__: is not a known field',
      'copyFileCollectionData[0].__proto__: is not a known field',
    ]);
    assert.equal('polluted' in {}, false);
  });

  it('is answered 413 once more than 64 MiB have arrived, and nothing is left behind', async () => {
    const { stream, inputs } = world({ write: () => Promise.resolve() });
    const block = Buffer.from(`${JSON.stringify(ENTRY)},${' '.repeat(4_000)}`.repeat(200));
    let isLeft = false;
    const response = await stream(
      (async function* () {
        try {
          yield Buffer.from('{"copyFileCollectionData":[');
          for (;;) yield await Promise.resolve(block);
        } finally {
          isLeft = true;
        }
      })(),
    );
    await assertAnswer(response, 413);
    assert.ok(isLeft, 'no more is read');
    assert.equal(inputs[0]?.end, 'aborted');
  }).timeout(20_000);

  it('is aborted where the client goes away in the middle', async () => {
    const { stream, inputs, jobs } = world();
    const body = Buffer.from(JSON.stringify(list(entries(20_000))));
    const response = await stream(
      (async function* () {
        for await (const chunk of chunksOf(body.subarray(0, 1 << 20), 65_536)) yield chunk;
        throw new Error('connection reset');
      })(),
    );
    await assertMistakes(response, [': broke off before its end']);
    assert.equal(inputs[0]?.end, 'aborted');
    assert.deepEqual(jobs(), []);
  });

  for (const step of ['write', 'close'] as const) {
    it(`is answered 503 with Retry-After where storage fails to ${step}, and no job is started`, async () => {
      const down = () => Promise.reject(new StorageError('unavailable', 'refused'));
      const { copy, inputs, jobs } = world({ [step]: down });
      const response = await copy(list(entries(20_000)));
      assert.equal(await assertAnswer(response, 503), null);
      assert.match(response.headers.get('retry-after') ?? '', /^\d+$/);
      assert.equal(response.headers.get('x-correlation-id'), ID);
      assert.equal(inputs[0]?.end, 'aborted');
      assert.deepEqual(jobs(), []);
    });
  }

  it('takes no more than a short list does where its files stand elsewhere', async () => {
    const { copy, inputs, jobs } = world();
    await assertAnswer(await copy({ manifest: { collectionId: 'a', fileName: 'b.csv' }, options: {} }), 200);
    assert.deepEqual(inputs, []);
    assert.equal(jobs().length, 1);
    await assertAnswer(await copy(copyBody(2)), 200);
    assert.deepEqual(inputs, []);
  });
});

async function* chunksOf(bytes: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size));
}
