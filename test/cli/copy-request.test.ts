import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EXIT } from '../../cli/exit-codes.ts';
import { ID, jobOf, logsOf } from './jobs.ts';
import { cli, json, scriptedApi } from './support.ts';

describe('apollo copy', () => {
  const ACCEPTED = {
    status: { message: 'Files copying completed', code: '200' },
    data: {
      Result: `Please check the status of your request at statusURL: https://apollo.example/apollo/status/logs?correlationId=${ID}`,
      Message: 'Number of file copy requests:2',
      CorrelationId: ID,
    },
  };

  let folder = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'apollo-cli-'));
  });
  after(() => rm(folder, { recursive: true }));

  /** Runs `apollo copy` with these arguments: what it asked the API, and what came of it. */
  async function copy(args: readonly string[], options: Parameters<typeof cli>[1] = {}) {
    const api = await scriptedApi(() => ({ body: ACCEPTED }));
    try {
      const outcome = await cli(['copy', ...args], { ...options, env: { ...api.env, ...options.env } });
      return { ...outcome, sent: api.requests.map(({ body }) => json(body))[0] };
    } finally {
      await api.close();
    }
  }
  const entry = (fileName: string) => ({ sourceCollectionId: 'a', destinationCollectionId: 'b', fileName });
  const entries = (...names: string[]) => ({ copyFileCollectionData: names.map(entry) });

  it('asks for the files that are named, and leaves all else to the service', async () => {
    const { code, sent, lines } = await copy(['a', 'b', 'one.txt', 'two.txt']);
    assert.equal(code, EXIT.done);
    assert.deepEqual(sent, entries('one.txt', 'two.txt'));
    const statusUrl = `https://apollo.example/apollo/status/logs?correlationId=${ID}`;
    assert.deepEqual(lines.map(json), [{ correlationId: ID, accepted: true, files: 2, statusUrl }]);
  });

  it('tells a person which job it is, and how to follow it', async () => {
    const { lines } = await copy(['a', 'b', 'one.txt', 'two.txt'], { tty: true });
    assert.deepEqual(lines, [`Job ${ID} accepted: 2 files`, `To see how it stands: apollo status ${ID} --watch`]);
  });

  it('takes every option of the service', async () => {
    const options = ['--overwrite', 'never', '--on-locked', 'skip', '--max-files-per-second', '2.5', '--priority', '1'];
    const { sent } = await copy(['a', 'b', 'x', '--as', 'y', ...options, '--dry-run']);
    assert.deepEqual(sent, {
      copyFileCollectionData: [{ ...entry('x'), destinationFileName: 'y' }],
      options: { overwrite: 'never', onLocked: 'skip', maxFilesPerSecond: 2.5, priority: 1, dryRun: true },
    });
  });

  it('takes names as they are: Unicode in any form, blanks, and behind "--" those that start with "-"', async () => {
    const names = ['-rf', '--prefix', 'e\u0301te\u0301 été.jpg', '写真/😀.jpg', ' a  b ', '*?#%', '{"fileName":"x"}'];
    assert.deepEqual((await copy(['a', 'b', '--', ...names])).sent, entries(...names));
  });

  it('reads names from standard input, one a line, whatever ends the lines', async () => {
    const input = '-odd.txt\nété 写真.jpg\r\n\n{"fileName":"x"}\n  blank \nlast';
    const { sent } = await copy(['a', 'b', '--from', '-'], { input });
    assert.deepEqual(sent, entries('-odd.txt', 'été 写真.jpg', '{"fileName":"x"}', '  blank ', 'last'));
  });

  it('reads entries as JSON, which may name their own collections', async () => {
    const path = join(folder, 'list.ndjson');
    const other = { sourceCollectionId: 'c', destinationCollectionId: 'd', fileName: 'y', destinationFileName: 'z' };
    await writeFile(path, `{"fileName":"x"}\n${JSON.stringify(other)}\n`);
    assert.deepEqual((await copy(['a', 'b', '--from', path])).sent, { copyFileCollectionData: [entry('x'), other] });
  });

  it('asks for prefixes, for everything, and for manifests', async () => {
    const pair = { sourceCollectionId: 'a', destinationCollectionId: 'b' };
    assert.deepEqual((await copy(['a', 'b', '--prefix', '-2026/'])).sent, {
      collection: { ...pair, prefix: '-2026/' },
    });
    assert.deepEqual((await copy(['a', 'b', '--all'])).sent, { collection: { ...pair, prefix: '' } });
    assert.deepEqual((await copy(['--manifest', 'lists/2026/03.csv.gz'])).sent, {
      manifest: { collectionId: 'lists', fileName: '2026/03.csv.gz' },
    });
  });

  const mistakes: [args: string[], message: RegExp, input?: string | Uint8Array][] = [
    [['a', 'b'], /say which files: their names/],
    [['a', 'b', 'x', '--prefix', 'y'], /in one way/],
    [['a', 'b', '--all', '--prefix', 'y'], /in one way/],
    [['--prefix', 'y'], /from which collection to which/],
    [['a', 'b', 'x', 'y', '--as', 'z'], /--as is for one file/],
    [['a', 'b', '--manifest', 'lists/x.csv'], /give none beside --manifest/],
    [['--manifest', 'x.csv'], /"x.csv" must be COLLECTION\/FILE/],
    [['a', 'b', 'x/../y'], /the file name "x\/..\/y" must not have/],
    [['a', 'b', '--from', '-'], /standard input names no file/, '\n\n'],
    [['a', 'b', '--from', '-'], /standard input is not UTF-8/, Buffer.from([0x66, 0xff])],
    [['a', 'b', '--from', '-'], /standard input, line 2: the file name "\." must not/, 'x\n.\n'],
    [['a', 'b', '--from', '-', '--ndjson'], /standard input, line 1: .*JSON/, 'x\n'],
    [
      ['a', 'b', '--from', '-', '--ndjson'],
      /standard input, line 1: fileName is required, a string; fileNam: unknown; an entry has sourceCollectionId, /,
      '{"fileNam":"x"}\n',
    ],
    [['a', 'b', '--from', 'does-not-exist'], /does-not-exist cannot be read: ENOENT/],
    [['a', 'b', 'x', '--priority', '6'], /'--priority <n>' argument '6' is invalid/],
    [['a', 'b', 'x', '--max-files-per-second', '0'], /must be a number from 0\.001/],
    [['a', 'b', 'x', '--overwrite', 'maybe'], /Allowed choices are always, never, ifDifferent/],
    [['a', 'b', 'x', '--id', 'y'], /'y' is no correlation id/],
    [['a', 'b', 'x', '--timeout', '2'], /--timeout needs --wait/],
    [['a', 'b', 'x', '--bogus'], /unknown option '--bogus'/],
  ];
  for (const [args, message, input = ''] of mistakes) {
    it(`refuses ${args.join(' ')}${input === '' ? '' : ` (${JSON.stringify(input.toString())})`}, in one line`, async () => {
      const { code, stderr, stdout, sent } = await copy(args, { input });
      assert.equal(code, EXIT.usage);
      assert.match(stderr, message);
      assert.match(stderr, /^apollo: [^\n]+\n$/);
      assert.equal(stdout, '');
      assert.equal(sent, undefined);
    });
  }

  it('sends the same id again where an answer is lost, so that nothing starts twice', async () => {
    const ids: unknown[] = [];
    const api = await scriptedApi((request, index) => {
      ids.push(request.correlationId);
      return index === 0 ? 'hang up' : { body: ACCEPTED };
    });
    try {
      assert.equal((await cli(['copy', 'a', 'b', 'x'], { env: api.env })).code, EXIT.done);
      assert.equal(ids.length, 2);
      assert.match(String(ids[0]), /^[0-9a-f-]{36}$/);
      assert.equal(ids[0], ids[1]);
    } finally {
      await api.close();
    }
  });

  it('waits no longer than it is given, the answer to the request included', async () => {
    const api = await scriptedApi(() => 'no answer');
    try {
      const { code, stderr, stdout } = await cli(['copy', 'a', 'b', 'x', '--id', ID, '--wait', '--timeout', '1'], {
        env: api.env,
      });
      assert.deepEqual([code, stdout, api.requests.length], [EXIT.notEnded, '', 1]);
      assert.match(
        stderr,
        new RegExp(`not answered in the time given; the job may have been started: apollo status ${ID}`),
      );
    } finally {
      await api.close();
    }
  });

  const refusals: [status: number, data: unknown, code: number, text: string][] = [
    [
      400,
      { Errors: [1, 2, 3, 4, 5].map((n) => ({ path: `p${n}`, message: 'is wrong' })) },
      2,
      'p1 is wrong; p2 is wrong; p3 is wrong; and 2 more (400)',
    ],
    [401, null, 3, 'Text (401)'],
    [403, null, 3, `Text (403); why: apollo status ${ID}`],
    [409, { correlationId: ID }, 3, 'Text (409)'],
    [413, null, 3, 'Text (413)'],
    [423, { Files: [{ collectionId: 'b', fileName: 'x\ny' }] }, 3, 'Text: b/x\\u{a}y (423)'],
    [429, null, 4, 'Text (429)'],
    [500, null, 4, 'Text (500)'],
    [503, null, 4, 'Text (503)'],
  ];
  for (const [status, data, code, text] of refusals) {
    it(`ends with ${code} where the API answers ${status}`, async () => {
      const api = await scriptedApi(() => ({
        status,
        body: { status: { message: 'Text', code: String(status) }, data },
      }));
      try {
        const outcome = await cli(['copy', 'a', 'b', 'x', '--id', ID], { env: api.env });
        assert.deepEqual([outcome.code, outcome.stderr, outcome.stdout], [code, `apollo: ${text}\n`, '']);
      } finally {
        await api.close();
      }
    });
  }

  it('says why a job was rejected for want of access, as its record does', async () => {
    const message = 'ACCESS_DENIED: line 2: the caller may not read collection c, or it does not exist';
    const refused = { status: 403, body: { status: { message: 'No', code: '403' }, data: null } };
    const api = await scriptedApi(({ method }) =>
      method === 'POST' ? refused : { body: logsOf({ ...jobOf('Rejected'), message }) },
    );
    try {
      const { code, stderr } = await cli(['copy', 'a', 'b', 'x', '--id', ID], { env: api.env });
      assert.deepEqual([code, stderr], [EXIT.refused, `apollo: No (403); ${message}\n`]);
      assert.equal(api.requests[1]?.path, `/apollo/status/logs?correlationId=${ID}&limit=1`);
    } finally {
      await api.close();
    }
  });

  it('names files of a list by their number, from 1', async () => {
    const [path, other] = [1, 0].map((index) => `copyFileCollectionData[${index}]`);
    const mistake = {
      path: `${path}.destinationFileName`,
      message: `is already the destination of ${other}`,
    };
    const body = { status: { message: 'Wrong', code: '400' }, data: { Errors: [mistake] } };
    const api = await scriptedApi(() => ({ status: 400, body }));
    try {
      const { stderr } = await cli(['copy', 'a', 'b', 'x', 'x'], { env: api.env });
      assert.equal(stderr, 'apollo: file 2: destinationFileName is already the destination of file 1 (400)\n');
    } finally {
      await api.close();
    }
  });

  it('says where there is nothing to copy: the prefix may be mistyped', async () => {
    const data = { Result: 'at http://status', Message: 'Number of file copy requests:0', CorrelationId: ID };
    const api = await scriptedApi(() => ({ body: { status: { message: 'Text', code: '200' }, data } }));
    try {
      const { lines } = await cli(['copy', 'a', 'b', '--prefix', 'nope/', '--id', ID], { env: api.env, tty: true });
      assert.deepEqual(lines.slice(0, 2), [
        `Job ${ID} accepted: 0 files`,
        '  NOTHING_TO_COPY: no file has that prefix, or the list is empty',
      ]);
    } finally {
      await api.close();
    }
  });

  it('says which scopes a token lacks', async () => {
    const headers = { 'www-authenticate': 'Bearer error="insufficient_scope", scope="apollo_read apollo_write"' };
    const api = await scriptedApi(() => ({
      status: 403,
      headers,
      body: { status: { message: 'No', code: '403' }, data: null },
    }));
    try {
      const { stderr } = await cli(['copy', 'a', 'b', 'x'], { env: api.env });
      assert.equal(stderr, 'apollo: No: the token needs apollo_read and apollo_write (403)\n');
    } finally {
      await api.close();
    }
  });

  it('does not hand its token on to where it is sent', async () => {
    const api = await scriptedApi(() => ({ status: 307, headers: { location: '/elsewhere' }, body: '' }));
    try {
      const { code, stderr } = await cli(['copy', 'a', 'b', 'x'], { env: api.env });
      assert.equal(code, EXIT.refused);
      assert.match(stderr, /not that of the Apollo API \(307\)/);
      assert.deepEqual(
        api.requests.map(({ path }) => path),
        ['/apollo/files/copy'],
      );
    } finally {
      await api.close();
    }
  });
});
