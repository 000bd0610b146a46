import { parseArgs } from 'node:util';
import type { Lengths } from './jobs/plan.ts';

/** How a run is made. */
export interface ChaosSettings {
  seed: number;
  /** How long jobs are posted and things go wrong, in milliseconds. */
  forMs: number;
  /** How long the jobs then have to come to their ends, in milliseconds. */
  settleMs: number;
  workers: number;
  /** Between two things that go wrong, in milliseconds. */
  pauseMs: { from: number; to: number };
  /** How long storage says nothing at all, once, in milliseconds: longer than all local attempts of a worker take. */
  silenceMs?: { from: number; to: number };
  /** Jobs that are under way at a time, their callers looking on. */
  jobsAtOnce: number;
  lengths: Lengths;
}

export const USAGE = `npm run chaos -- [--seed N] [--minutes M]

  --seed     what is done follows from it; default: one of its own, which is printed
  --minutes  how long things go wrong, default 8; what was begun then has three more minutes to end
  --help     shows this

Prints what came of it; exit code 1 where something happened that must not.`;

const MOST_MINUTES = 120;
const LEAST_MINUTES_WITH_SILENCE = 3;

/** Reads the command line; undefined: it asks for help. Throws TypeError for what it does not know. */
export function readSettings(args: readonly string[], ownSeed: () => number): ChaosSettings | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seed: { type: 'string' },
      minutes: { type: 'string', default: '8' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return undefined;
  const seed = values.seed === undefined ? ownSeed() : Number(values.seed);
  if (!Number.isInteger(seed) || seed < 0 || seed >= 2 ** 32) throw new TypeError('--seed is a whole number from 0 on');
  const minutes = Number(values.minutes);
  if (!(minutes > 0 && minutes <= MOST_MINUTES)) throw new TypeError(`--minutes is a number up to ${MOST_MINUTES}`);
  return {
    seed,
    forMs: minutes * 60_000,
    settleMs: 180_000,
    workers: 3,
    pauseMs: { from: 1_000, to: 6_000 },
    ...(minutes >= LEAST_MINUTES_WITH_SILENCE && { silenceMs: { from: 50_000, to: 65_000 } }),
    jobsAtOnce: 8,
    lengths: { list: 150, longList: 1_300, manifest: 1_200, prefix: 2_500 },
  };
}

/** About 20 s: for the tests. */
export function shortRun(seed: number): ChaosSettings {
  return {
    seed,
    forMs: 12_000,
    settleMs: 60_000,
    workers: 2,
    pauseMs: { from: 500, to: 1_500 },
    jobsAtOnce: 6,
    lengths: { list: 40, longList: 120, manifest: 60, prefix: 150 },
  };
}
