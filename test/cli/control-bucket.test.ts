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
