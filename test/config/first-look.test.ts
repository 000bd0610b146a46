import assert from 'node:assert/strict';
import { ConfigError } from '../../config/config.ts';
import { firstLook } from '../../config/first-look.ts';
import { logLines } from '../support/log-lines.ts';

describe('the first look of a process at what its settings name', () => {
  it('ends with what does not exist, without waiting for the others', async () => {
    const { log, lines } = logLines();
    const missing = new ConfigError('A is not there');
    const silent = new Promise<void>(() => undefined);
    await assert.rejects(firstLook({ temporal: silent, storage: Promise.reject(missing) }, log), missing);
    assert.deepEqual(lines, []);
  });

  it('goes on without what does not answer, and says so', async () => {
    const { log, lines } = logLines();
    await firstLook({ temporal: Promise.reject(new Error('away')), storage: Promise.resolve() }, log);
    assert.deepEqual(
      lines.map(({ msg, dependency }) => [msg, dependency]),
      [['not ready', 'temporal']],
    );
  });
});
