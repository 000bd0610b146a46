import assert from 'node:assert/strict';
import { StorageError } from '../../../storage/errors.ts';
import { BucketLimiter } from '../../../storage/pacing/bucket-limiter.ts';

const UNAVAILABLE = new StorageError('unavailable', '503', { status: 503 });
const TOO_MANY = new StorageError('rateLimited', '429', { status: 429 });

/** Writes as fast as the limiter lets it, up to so many a second, for so many seconds; gives the writes of each second. */
function write(
  limiter: BucketLimiter,
  { from = 0, seconds = 1, atMost = 100_000 }: { from?: number; seconds?: number; atMost?: number },
): number[] {
  const perSecond: number[] = [];
  for (let second = 0; second < seconds; second += 1) {
    let writes = 0;
    for (let ms = 0; ms < 1_000; ms += 1) {
      const now = from + second * 1_000 + ms;
      for (let slot = Math.floor((atMost * ms) / 1_000); slot < Math.floor((atMost * (ms + 1)) / 1_000); slot += 1) {
        if (limiter.wait(now) > 0) break;
        limiter.started(now);
        writes += 1;
      }
    }
    perSecond.push(writes);
  }
  return perSecond;
}

function assertAbout(actual: number | undefined, expected: number): void {
  assert.ok(actual !== undefined && Math.abs(actual - expected) <= expected * 0.03 + 1, `${actual}, not ${expected}`);
}

describe('limiter of a bucket', () => {
  describe('without the guideline', () => {
    it('bounds nothing while storage refuses nothing', () => {
      const limiter = new BucketLimiter({ followsGuideline: false });
      assert.deepEqual(write(limiter, { seconds: 3, atMost: 20_000 }), [20_000, 20_000, 20_000]);
    });

    it('halves the rate where storage refuses, and adds a twentieth a second from there', () => {
      const limiter = new BucketLimiter({ followsGuideline: false });
      write(limiter, { seconds: 2, atMost: 2_000 });
      for (let refusals = 0; refusals < 20; refusals += 1) limiter.failed(2_000, TOO_MANY);
      const [first, second, third] = write(limiter, { from: 2_000, seconds: 3 });
      // What may run ahead of the rate does so once.
      assertAbout(first, 1_000 + 20);
      assertAbout(second, 1_100);
      assertAbout(third, 1_200);
    });

    it('takes all refusals of one second for one', () => {
      const limiter = new BucketLimiter({ followsGuideline: false });
      write(limiter, { seconds: 2, atMost: 2_000 });
      for (let ms = 0; ms < 990; ms += 1) limiter.failed(2_000 + ms, TOO_MANY);
      assertAbout(write(limiter, { from: 3_000 })[0], 1_100 + 20);
    });

    it('halves again where storage goes on refusing, and leaves ten a second', () => {
      const limiter = new BucketLimiter({ followsGuideline: false });
      let from = 0;
      let rates: number[] = [];
      for (; from < 30_000; from += 1_000) {
        rates = write(limiter, { from, atMost: 2_000 });
        for (let refusals = 0; refusals < 20; refusals += 1) limiter.failed(from + 1_000, TOO_MANY);
      }
      assertAbout(rates[0], 10);
    });

    it('is as at first after some 70 seconds without a refusal', () => {
      const limiter = new BucketLimiter({ followsGuideline: false });
      write(limiter, { seconds: 2, atMost: 2_000 });
      for (let refusals = 0; refusals < 20; refusals += 1) limiter.failed(2_000, TOO_MANY);
      const rates = write(limiter, { from: 2_000, seconds: 75, atMost: 9_000 });
      assertAbout(rates[60], 7_000);
      assert.equal(rates[74], 9_000);
    });

    it('overlooks single failures among many answers', () => {
      const limiter = new BucketLimiter({ followsGuideline: false });
      write(limiter, { seconds: 2, atMost: 2_000 });
      limiter.failed(2_000, UNAVAILABLE);
      limiter.failed(2_000, TOO_MANY);
      assert.deepEqual(write(limiter, { from: 2_000, atMost: 2_000 }), [2_000]);
    });

    it('overlooks 503s that come at every rate, and takes a fifth of all answers for too high a rate', () => {
      const limiter = new BucketLimiter({ followsGuideline: false });
      for (let second = 1; second <= 60; second += 1) {
        write(limiter, { from: (second - 1) * 1_000, atMost: 2_000 });
        for (let failures = 0; failures < 150; failures += 1) limiter.failed(second * 1_000, UNAVAILABLE);
      }
      assert.deepEqual(write(limiter, { from: 60_000, atMost: 2_000 }), [2_000]);
      for (let failures = 0; failures < 400; failures += 1) limiter.failed(60_999, UNAVAILABLE);
      assertAbout(write(limiter, { from: 61_000, atMost: 2_000 })[0], 1_100 + 20);
    });

    for (const [title, error, isRefusal] of [
      ['429', TOO_MANY, true],
      ['403 of a quota', new StorageError('rateLimited', '403', { status: 403 }), true],
      ['a single 503', UNAVAILABLE, false],
      ['503 with Retry-After', new StorageError('unavailable', '503', { status: 503, retryAfterMs: 0 }), true],
      ['500', new StorageError('unavailable', '500', { status: 500 }), false],
      ['a connection that was reset', new StorageError('unavailable', 'reset'), false],
      ['412', new StorageError('preconditionFailed', '412', { status: 412 }), false],
      ['a defect', new TypeError('x is undefined'), false],
    ] as const) {
      it(`takes ${title} for ${isRefusal ? 'a' : 'no'} request to slow down`, () => {
        const limiter = new BucketLimiter({ followsGuideline: false });
        write(limiter, { seconds: 2, atMost: 50 });
        limiter.failed(2_000, error);
        const [rate = 0] = write(limiter, { from: 2_000, atMost: 50 });
        assert.equal(rate < 50, isRefusal, String(rate));
      });
    }

    it('waits for what Retry-After asks, and not for ever', () => {
      const limiter = new BucketLimiter({ followsGuideline: false });
      limiter.failed(0, new StorageError('unavailable', '503', { status: 503, retryAfterMs: 7_000 }));
      assert.equal(limiter.wait(0), 7_000);
      assert.equal(limiter.wait(6_999), 1);
      assert.equal(limiter.wait(7_000), 0);
      limiter.failed(8_000, new StorageError('rateLimited', '429', { status: 429, retryAfterMs: 604_800_000 }));
      assert.equal(limiter.wait(8_000), 30_000);
    });
  });

  describe('with the guideline', () => {
    it('takes 1,000 a second at first', () => {
      const limiter = new BucketLimiter({ followsGuideline: true });
      assertAbout(write(limiter, { seconds: 5 })[4], 1_003);
    });

    it('at most doubles in 20 minutes, and only by being used', () => {
      const limiter = new BucketLimiter({ followsGuideline: true });
      const rates = write(limiter, { seconds: 1_200, atMost: 3_000 });
      assertAbout(rates[600], 1_414);
      assertAbout(rates[1_199], 2_000);
      assertAbout(write(limiter, { from: 1_200_000 + 3_600_000 })[0], 1_000 + 20);
    });

    it('falls below where storage refuses all the same', () => {
      const limiter = new BucketLimiter({ followsGuideline: true });
      write(limiter, { seconds: 2 });
      for (let refusals = 0; refusals < 20; refusals += 1) limiter.failed(2_000, TOO_MANY);
      assertAbout(write(limiter, { from: 2_000 })[0], 500);
    });
  });
});
