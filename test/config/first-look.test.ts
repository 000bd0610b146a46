import assert from 'node:assert/strict';
import { ConfigError } from '../../config/config.ts';
import { firstLook } from '../../config/first-look.ts';
import { logLines } from '../support/log-lines.ts';

describe('the first look of a process at what its settings name', () => {
  it('ends in one line with all that does not exist', async () => {
    const { log } = logLines();
    const missing = (name: string) => Promise.reject(new ConfigError(`${name} is not there`));
    await assert.rejects(
      firstLook({ temporal: missing('A'), storage: missing('B') }, log),
      new ConfigError('A is not there; B is not there'),
    );
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
