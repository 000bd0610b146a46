import assert from 'node:assert/strict';
import { ChunkQueue } from '../../workflows/chunk-queue.ts';

/** Indices of the thousand files of a chunk. */
const all = (chunk: number) => Array.from({ length: 1_000 }, (_, index) => chunk * 1_000 + index);

/** A queue of many chunks, of each of which so far nothing came to its end; they wait to be tried again. */
function failing(): { queue: ChunkQueue; begun: number; comeBack: (() => void)[] } {
  const queue = new ChunkQueue({ planned: 1_000, next: 0, left: [] });
  const comeBack: (() => void)[] = [];
  for (let pass = queue.take(); pass !== undefined; pass = queue.take()) {
    comeBack.push(queue.putOff({ ...pass, part: 1, tries: 1, only: all(pass.chunk) }));
  }
  return { queue, begun: comeBack.length, comeBack };
}

describe('the chunks of a job of which every file fails', () => {
  it('are not all begun: the job does not hold the name of every file, though these wait for their time', () => {
    const { queue, begun } = failing();
    assert.equal(begun, 20);
    assert.equal(queue.isEmpty, false);
    assert.ok(JSON.stringify(queue.carry()).length < 200_000, 'it has to fit a message');
  });

  it('are begun again as they come back, and further ones as these come through', () => {
    const { queue, comeBack } = failing();
    comeBack[0]?.();
    assert.deepEqual(queue.take()?.chunk, 0);
    assert.deepEqual(queue.take()?.chunk, 20);
    queue.putOff({ chunk: 20, part: 1, tries: 1, only: all(20) });
    assert.equal(queue.take(), undefined);
  });

  it('are as many in a further run', () => {
    const { queue } = failing();
    const next = new ChunkQueue(queue.carry());
    for (let chunk = 0; chunk < 20; chunk += 1) assert.equal(next.take()?.chunk, chunk);
    assert.equal(next.take()?.chunk, 20);
  });
});
