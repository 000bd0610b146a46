import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Wanted } from '../../../activities/locks/lock-set.ts';
import { lockName } from '../../../storage/lock-names.ts';
import type { LockTarget } from '../../../storage/lock-targets.ts';
import { World, type Fault, type JobPlan } from './interleavings/world.ts';

/** The same cases each time: a test that fails does so for everybody. */
const CASES = { seed: 20_260_711, numRuns: 400 };

const object = (name: string, bucket = 'one'): LockTarget => ({ bucket, name });
const under = (prefix: string, bucket = 'one'): LockTarget => ({ bucket, prefix });

/** Long enough for the names of locks to be cut, all at the same place. */
const LONG = 'x'.repeat(200);

/** What all contenders want, each in its way. */
const SHARED = [object('a/1'), under('a/1'), under('a/'), under('a'), under('')];
const OTHERS = [
  ...['a', 'a/2', 'b/1', `${LONG}/1`, `${LONG}/2`].map((name) => object(name)),
  ...['b/', `${LONG}/`, `${LONG}/1`].map((prefix) => under(prefix)),
  ...[object('a/1', 'two'), under('a/', 'two'), under('', 'two')],
];

const anything = fc.constantFrom(...SHARED, ...OTHERS);
const extras = fc.uniqueArray(anything, { maxLength: 2 });

const anyWanted: fc.Arbitrary<Wanted> = fc.record({
  targets: fc.uniqueArray(anything, { minLength: 1, maxLength: 3 }),
  sources: extras,
});
/** What is wanted so that every two conflict; some name a target twice. */
const rivals: fc.Arbitrary<Wanted> = fc
  .tuple(fc.constantFrom(...SHARED), extras, fc.constantFrom('first', 'last', 'both'))
  .map(([shared, more, place]) => ({
    targets: [...(place === 'last' ? [] : [shared]), ...more, ...(place === 'first' ? [] : [shared])],
    sources: [],
  }));

const anyRequest = { at: fc.nat(12), arrives: fc.boolean() };
const lostAnswers: fc.Arbitrary<Fault> = fc.record({ ...anyRequest, kind: fc.constant('answer lost' as const) });
const crashes: fc.Arbitrary<Fault> = fc.record({ ...anyRequest, kind: fc.constant('crash' as const) });

const twoToFour = { minLength: 2, maxLength: 4 };
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });

const anyJob: fc.Arbitrary<JobPlan> = fc.record({
  wanted: anyWanted,
  fault: maybe(fc.oneof(lostAnswers, crashes)),
  skips: fc.constantFrom(false, true, 'within' as const),
  ends: fc.boolean(),
});

describe('locks of two to four jobs, requests in any order', () => {
  it('never are held at once where they conflict, and a refused job leaves none behind', async () => {
    const reached = { admitted: 0, refused: 0, together: 0, partly: 0 };
    const anyOrder = fc.asyncProperty(fc.scheduler(), fc.array(anyJob, twoToFour), async (scheduler, plans) => {
      const world = new World(scheduler, { fair: false });
      for (const plan of plans) world.add(plan);
      await world.run();
      for (const job of [...world.in('refused'), ...world.in('over')]) assert.deepEqual(world.locksOf(job), []);
      for (const job of world.in('admitted')) {
        assert.deepEqual(world.locksOf(job), [...new Set(job.holds.map(lockName))].sort());
      }
      reached.admitted += world.in('admitted').length;
      reached.refused += world.in('refused').length;
      reached.partly += world
        .in('admitted')
        .filter(({ holds, others }) => holds.length > 0 && others.length > 0).length;
      reached.together += world.in('admitted').length > 1 ? 1 : 0;
    });
    await fc.assert(anyOrder, CASES);
    // The cases are worth something: all outcomes are among them.
    for (const [outcome, count] of Object.entries(reached)) assert.ok(count > 20, `${outcome}: ${count}`);
  });

  it('are got by exactly one where all want the same, answers lost or not', async () => {
    const contender = fc.record({ wanted: rivals, fault: maybe(lostAnswers) });
    const contest = fc.asyncProperty(fc.scheduler(), fc.array(contender, twoToFour), async (scheduler, plans) => {
      const world = new World(scheduler, { fair: true });
      for (const plan of plans) world.add(plan);
      await world.run();
      assert.equal(world.in('admitted').length, 1);
      assert.equal(world.in('refused').length, plans.length - 1);
    });
    await fc.assert(contest, CASES);
  });

  it('are got by exactly one where each writes what all others read', async () => {
    const places = [object('a/1'), under('b/'), object('c', 'two'), under('d', 'two')];
    const contest = fc.asyncProperty(fc.scheduler(), fc.shuffledSubarray(places, twoToFour), async (scheduler, all) => {
      const world = new World(scheduler, { fair: true });
      for (const place of all) world.add({ wanted: { targets: [place], sources: all.filter((one) => one !== place) } });
      await world.run();
      assert.equal(world.in('admitted').length, 1);
    });
    await fc.assert(contest, CASES);
  });

  it('of a job that crashed anywhere are taken over by exactly one, and by the next one from that', async () => {
    const heirs = fc.array(rivals, { minLength: 1, maxLength: 3 });
    const inherit = fc.asyncProperty(fc.scheduler(), rivals, crashes, heirs, async (scheduler, wanted, fault, rest) => {
      const world = new World(scheduler, { fair: true });
      const victim = world.add({ wanted, fault });
      for (const heir of rest) world.add({ wanted: heir }, { after: victim });
      await world.run();
      const [winner, ...others] = world.in('admitted');
      assert.ok(winner !== undefined);
      assert.deepEqual(others, []);

      winner.phase = 'dead';
      const last = world.add({ wanted: { targets: [under('', 'one'), under('', 'two')], sources: [] } });
      await world.run();
      assert.equal(last.phase, 'admitted');
      for (const job of [victim, winner]) assert.deepEqual(world.locksOf(job), []);
    });
    await fc.assert(inherit, CASES);
  });
});
