import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { openTerminal, type Terminal } from './terminal.ts';

describe('a terminal of the tests', () => {
  let terminal: Terminal;

  beforeEach(async () => {
    const { PATH = '' } = process.env;
    terminal = await openTerminal({ cwd: tmpdir(), env: { PATH }, columns: 90 });
  });

  afterEach(async () => {
    await terminal.close();
  });

  it('is one to programs, of the width asked for, and keeps what was set', async () => {
    assert.equal(await terminal.type('test -t 0; test -t 1; test -t 2; stty size | cut -d " " -f 2'), '90\n');
    assert.equal(await terminal.type('NAME=value; echo to error >&2'), 'to error\n');
    assert.equal(await terminal.type('echo "$NAME" | cat\ntest -t 1 | cat'), 'value\n');
  });

  it('says where its shell has ended, with what was printed', async () => {
    const typed = terminal.type('echo before; false; echo never');
    await assert.rejects(typed, /ended at echo before; false[^]*printed:\nbefore\n$/);
  });

  it('ends what still runs when it is closed', async () => {
    const typed = terminal.type('sleep 60');
    await Promise.all([assert.rejects(typed, /ended at sleep 60/), terminal.close()]);
  });
});
