import assert from 'node:assert/strict';
import { readSettings } from '../../bench/settings.ts';

describe("the benchmark's command line", () => {
  it('measures what takes some minutes unless told otherwise', () => {
    assert.deepEqual(readSettings([]), { mode: 'default', only: undefined, profileFolder: undefined });
    assert.equal(readSettings(['--quick'])?.mode, 'quick');
    assert.equal(readSettings(['--full'])?.mode, 'full');
  });

  it('takes names of scenarios, and a folder for profiles', () => {
    const settings = readSettings(['--only', 'callers,copy-10k', '--profile', '/profiles']);
    assert.deepEqual(settings, { mode: 'default', only: ['callers', 'copy-10k'], profileFolder: '/profiles' });
  });

  it('gives help', () => {
    assert.equal(readSettings(['--help']), undefined);
  });

  it('refuses what it does not know, or cannot do at once', () => {
    for (const args of [['--fast'], ['million'], ['--quick', '--full']])
      assert.throws(() => readSettings(args), TypeError);
  });
});
