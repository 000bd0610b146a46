import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DataLockedError, lockDataFolder } from '../../dev/data-lock.ts';

describe('lock of the data folder', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lock-'));
  });

  afterEach(() => rm(folder, { recursive: true }));

  it('refuses a second user while the first one runs, naming it', async () => {
    await lockDataFolder(folder);
    await assert.rejects(lockDataFolder(folder), (error: unknown) => {
      assert.ok(error instanceof DataLockedError);
      assert.match(error.message, new RegExp(`in use by process ${process.pid}\\b`));
      return true;
    });
  });

  it('is free again once given back, and leaves nothing', async () => {
    const unlock = await lockDataFolder(folder);
    await unlock();
    assert.deepEqual(await readdir(folder), []);
    await lockDataFolder(folder);
  });

  it('is taken over from a process that no longer runs', async () => {
    const dead = spawn(process.execPath, ['-e', '']);
    await once(dead, 'exit');
    await writeFile(join(folder, 'lock'), String(dead.pid));
    await lockDataFolder(folder);
  });

  it('is taken over by one only, of many who find it left behind', async () => {
    await writeFile(join(folder, 'lock'), 'no process');
    const takers = await Promise.allSettled(Array.from({ length: 20 }, () => lockDataFolder(folder)));
    assert.equal(takers.filter(({ status }) => status === 'fulfilled').length, 1);
    assert.deepEqual(await readdir(folder), ['lock']);
  });
});
