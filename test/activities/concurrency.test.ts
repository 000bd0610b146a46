import assert from 'node:assert/strict';
import { mapConcurrently, Pieces, unlessAborted } from '../../activities/concurrency.ts';

describe('mapConcurrently', () => {
  it('calls for every item, with its index', async () => {
    const seen: [string, number][] = [];
    await mapConcurrently(['a', 'b', 'c'], 2, (item, index) => Promise.resolve(void seen.push([item, index])));
    assert.deepEqual(seen, [
      ['a', 0],
      ['b', 1],
      ['c', 2],
    ]);
  });

  it('has no more under way than the limit, and that many', async () => {
    let running = 0;
    let most = 0;
    await mapConcurrently(Array.from({ length: 20 }), 3, async () => {
      most = Math.max(most, (running += 1));
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
    });
    assert.equal(most, 3);
  });

  it('is done at once with nothing', async () => {
    await mapConcurrently([], 5, () => assert.fail());
  });

  it('starts nothing more after a failure, waits for what runs, and throws the first', async () => {
    const started: number[] = [];
    const ended: number[] = [];
    const first = new Error('first');
    const mapped = mapConcurrently([0, 1, 2, 3, 4], 2, async (item) => {
      started.push(item);
      if (item === 0) throw first;
      await new Promise((resolve) => setImmediate(resolve));
      ended.push(item);
      throw new Error('second');
    });
    await assert.rejects(mapped, first);
    assert.deepEqual(started, [0, 1]);
    assert.deepEqual(ended, [1]);
  });
});

describe('unlessAborted', () => {
  const failing = () => Promise.reject<number>(new Error('storage does not answer'));

  it('gives what comes, and rejects with what fails', async () => {
    const { signal } = new AbortController();
    assert.equal(await unlessAborted(signal, Promise.resolve(1)), 1);
    await assert.rejects(unlessAborted(signal, failing()), /does not answer/);
  });

  it('waits no longer once it is aborted', async () => {
    const controller = new AbortController();
    const waiting = unlessAborted(controller.signal, new Promise(() => undefined));
    controller.abort();
    assert.equal(await waiting, undefined);
  });

  it('leaves nobody to fail where it was aborted before', async () => {
    const unhandled: unknown[] = [];
    const note = (error: unknown) => unhandled.push(error);
    process.on('unhandledRejection', note);
    try {
      assert.equal(await unlessAborted(AbortSignal.abort(), failing()), undefined);
      await new Promise((resolve) => setImmediate(resolve));
      assert.deepEqual(unhandled, []);
    } finally {
      process.off('unhandledRejection', note);
    }
  });
});

describe('a computation in pieces', () => {
  let now: number;
  let isOthersTurn: boolean;
  let pieces: Pieces;

  beforeEach(() => {
    now = 0;
    isOthersTurn = false;
    pieces = new Pieces(() => now);
    setImmediate(() => {
      isOthersTurn = true;
    });
  });

  it('lets others have their turn where one has taken some time', async () => {
    now += 10;
    await pieces.pause();
    assert.equal(isOthersTurn, true);
  });

  it('gives none away before', async () => {
    await pieces.pause();
    now += 1;
    await pieces.pause();
    assert.equal(isOthersTurn, false);
  });
});
