import assert from 'node:assert/strict';
import { EXIT } from '../../cli/exit-codes.ts';
import { cli, scriptedApi } from './support.ts';

describe('where storage knows no such bucket', () => {
  /** Runs a command against storage that has no bucket at all. */
  async function withoutBuckets(...args: string[]) {
    const storage = await scriptedApi(() => ({ status: 404, body: { error: { code: 404, message: 'Not Found' } } }));
    try {
      const env = { CONTROL_BUCKET: 'nobucket', STORAGE_EMULATOR_HOST: storage.env.APOLLO_API_URL };
      return await cli(args, { env });
    } finally {
      await storage.close();
    }
  }

  it('names the control bucket and its setting', async () => {
    const { code, stderr } = await withoutBuckets('locks', 'list');
    assert.equal(code, EXIT.settings);
    assert.equal(stderr, 'apollo: the control bucket nobucket (CONTROL_BUCKET) does not exist\n');
  });

  it('locks nothing in it', async () => {
    const { code, stderr } = await withoutBuckets('locks', 'set', 'gs://nope/x', '--why', 'audit');
    assert.equal(code, EXIT.refused);
    assert.equal(stderr, 'apollo: not locked: the bucket nope does not exist\n');
  });
});

describe('a collection that is added', () => {
  const FORBIDDEN = { status: 403, body: { error: { code: 403, message: 'no right to list' } } };
  const MISSING = { status: 404, body: { error: { code: 404, message: 'Not Found' } } };
  const BUSY = { status: 503, body: { error: { code: 503, message: 'busy' } } };
  const WRITTEN = { body: { name: 'collections/c.json', generation: '1', metageneration: '1', size: '1' } };

  /** Adds one whose bucket storage tells of so; gives what was sent to write it, too. */
  async function add(ofBucket: typeof MISSING | { body: object }, ...args: string[]) {
    const storage = await scriptedApi(({ method }) => (method === 'POST' ? WRITTEN : ofBucket));
    try {
      const env = { CONTROL_BUCKET: 'control', STORAGE_EMULATOR_HOST: storage.env.APOLLO_API_URL };
      const command = ['collections', 'add', 'c', '--bucket', 'files', '--readonly', '*', ...args];
      const outcome = await cli(command, { env });
      return { ...outcome, written: storage.requests.filter(({ method }) => method === 'POST').length };
    } finally {
      await storage.close();
    }
  }

  it('is written where its bucket is there', async () => {
    const { code, stderr, written } = await add({ body: { items: [] } });
    assert.deepEqual([code, stderr, written], [EXIT.done, '', 1]);
  });

  it('is refused, and not written, where its bucket does not exist', async () => {
    for (const args of [[], ['--replace']]) {
      const { code, stderr, stdout, written } = await add(MISSING, ...args);
      assert.deepEqual([code, stdout, written], [EXIT.refused, '', 0]);
      assert.equal(stderr, 'apollo: not added: the bucket files does not exist\n');
    }
  });

  it('is refused without the name of a bucket', async () => {
    const { code, stderr, written } = await add(MISSING, '--bucket', '');
    assert.deepEqual([code, stderr, written], [EXIT.usage, 'apollo: the bucket must have a name\n', 0]);
  });

  it('is written with a warning where nobody can tell: its bucket may not be listed from here, or does not answer', async () => {
    const forbidden = await add(FORBIDDEN);
    assert.deepEqual([forbidden.code, forbidden.written], [EXIT.done, 1]);
    assert.match(forbidden.stderr, /^apollo: the bucket files cannot be listed: [^\n]*no right to list[^\n]*\n$/);
    const silent = await add(BUSY);
    assert.deepEqual([silent.code, silent.written], [EXIT.done, 1]);
    assert.match(silent.stderr, /^apollo: nothing is known of the bucket files: [^\n]*busy[^\n]*\n$/);
  });
});
