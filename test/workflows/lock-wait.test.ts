import assert from 'node:assert/strict';
import { pauseFor } from '../../workflows/lock-wait.ts';

const HOUR_MS = 60 * 60_000;
const MIB = 1024 * 1024;

/** Waits for an hour with tries of this size, in bytes; gives how many there were, and how large the history has become. */
function waitForAnHour(trySize: number): { tries: number; historySize: number; longestMs: number } {
  let [at, historySize, tries, usualMs, longestMs] = [0, 0, 0, 1_000, 0];
  while (at < HOUR_MS) {
    tries += 1;
    historySize += trySize;
    const pauseMs = pauseFor({ usualMs, leftMs: HOUR_MS - at, historySize, trySize });
    at += pauseMs;
    longestMs = Math.max(longestMs, pauseMs);
    usualMs = Math.min(usualMs * 2, 15_000);
  }
  return { tries, historySize, longestMs };
}

describe('a job that waits for locks', () => {
  it('tries again as often as is usual where that costs little', () => {
    const { tries, longestMs } = waitForAnHour(5_000);
    assert.equal(longestMs, 15_000);
    assert.ok(tries > 230, `${tries} tries`);
  });

  for (const [what, size] of [
    ['a thousand files that are all locked', 750_000],
    ['the longest request there is, all of it locked', 1_500_000],
    ['more than there is room for', 30 * MIB],
  ] as const) {
    it(`has an hour's tries fit its history: ${what}`, () => {
      const { tries, historySize } = waitForAnHour(size);
      assert.ok(historySize <= Math.max(21 * MIB, 2 * size), `${historySize} bytes`);
      assert.ok(tries >= Math.min(10, Math.floor((20 * MIB) / size)), `${tries} tries`);
    });
  }

  it('knows nothing of what a try costs before there was one', () => {
    assert.equal(pauseFor({ usualMs: 1_000, leftMs: HOUR_MS, historySize: 600_000, trySize: 0 }), 1_000);
  });
});
