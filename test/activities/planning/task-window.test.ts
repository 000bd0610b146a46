import assert from 'node:assert/strict';
import { TaskWindow } from '../../../activities/planning/task-window.ts';

describe('a window of tasks', () => {
  it('runs so many at a time and no more', async () => {
    await using window = new TaskWindow(2);
    let running = 0;
    let most = 0;
    for (let task = 0; task < 10; task += 1) {
      await window.start(async () => {
        running += 1;
        most = Math.max(most, running);
        await new Promise(setImmediate);
        running -= 1;
      });
    }
    await window.settle();
    assert.deepEqual({ most, running }, { most: 2, running: 0 });
  });

  it('starts nothing after a failure, and throws it', async () => {
    await using window = new TaskWindow(1);
    const failure = new Error('failed');
    await window.start(() => Promise.reject(failure));
    await assert.rejects(
      window.start(() => assert.fail('was started')),
      failure,
    );
    await assert.rejects(window.settle(), failure);
  });

  it('waits for what is running where it is left', async () => {
    let done = false;
    const work = async () => {
      await using window = new TaskWindow(1);
      await window.start(async () => {
        await new Promise(setImmediate);
        done = true;
      });
      throw new Error('something else');
    };
    await assert.rejects(work(), /something else/);
    assert.equal(done, true);
  });
});
