import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { startGuard } from '../../dev/guard.ts';

describe('guard', () => {
  let children: ChildProcess[];

  beforeEach(() => {
    const wait = ['-e', 'setInterval(() => {}, 1000)'];
    children = Array.from({ length: 4 }, () => spawn(process.execPath, wait, { detached: true, stdio: 'ignore' }));
  });

  afterEach(() => {
    for (const child of children) child.kill('SIGKILL');
  });

  it('kills what it watches when it is closed, and leaves alone what was released', async () => {
    const guard = startGuard();
    for (const { pid } of children) guard.watch(pid!);
    const [first, released, third, alsoReleased] = children;
    guard.release(released!.pid!);
    guard.release(alsoReleased!.pid!);
    const killed = Promise.all([once(first!, 'exit'), once(third!, 'exit')]);
    guard.close();
    assert.deepEqual(await killed, [
      [null, 'SIGKILL'],
      [null, 'SIGKILL'],
    ]);
    for (const child of [released!, alsoReleased!]) assert.equal(child.exitCode ?? child.signalCode, null);
  });
});
