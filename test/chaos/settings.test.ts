import assert from 'node:assert/strict';
import { readSettings } from '../../chaos/settings.ts';
import { createRandom } from '../../chaos/random.ts';

const ownSeed = () => 4_711;

describe("a chaos run's command line", () => {
  it('makes a run of 8 minutes with a seed of its own', () => {
    const { seed, forMs } = readSettings([], ownSeed) ?? {};
    assert.deepEqual([seed, forMs], [4_711, 480_000]);
  });

  it('takes a seed and a length', () => {
    const { seed, forMs } = readSettings(['--seed', '7', '--minutes', '0.5'], ownSeed) ?? {};
    assert.deepEqual([seed, forMs], [7, 30_000]);
  });

  it('gives help, and refuses what it does not know', () => {
    assert.equal(readSettings(['--help'], ownSeed), undefined);
    for (const args of [['--seed', 'x'], ['--seed', '-1'], ['--minutes', '0'], ['--minutes', '1e9'], ['--hours']]) {
      assert.throws(() => readSettings(args, ownSeed), TypeError);
    }
  });
});

describe('the choices of a chaos run', () => {
  it('follow from the seed, each part by itself', () => {
    const draw = (seed: number, part: string) => {
      const random = createRandom(seed).part(part);
      return Array.from({ length: 5 }, () => random.between(0, 1_000_000));
    };
    assert.deepEqual(draw(1, 'plans'), draw(1, 'plans'));
    assert.notDeepEqual(draw(1, 'plans'), draw(1, 'storage'));
    assert.notDeepEqual(draw(1, 'plans'), draw(2, 'plans'));
  });

  it('name jobs by version 4 UUIDs', () => {
    const random = createRandom(3);
    for (let count = 0; count < 100; count += 1) {
      assert.match(random.uuid(), /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
    }
  });
});
