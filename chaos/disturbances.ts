import { setTimeout as delay } from 'node:timers/promises';
import type { Part } from '../dev/part.ts';
import type { Random } from './random.ts';
import { FAIR, type ChaosStorage, type Weather } from './storage/storage.ts';

/** What is done to the processes and to storage while jobs run. */
export interface Disturbances {
  /** How often each was done, by its name. */
  readonly counts: ReadonlyMap<string, number>;
  /** Goes on until the signal, then sees to it that everything is up again. Throws PartError where that fails. */
  run(signal: AbortSignal): Promise<void>;
}

interface Targets {
  workers: readonly Part[];
  api: Part;
  temporal: Part;
  storage: ChaosStorage;
  /** Between two things that go wrong, in milliseconds. */
  pauseMs: { from: number; to: number };
  /** How long storage says nothing at all, once in a run, in milliseconds; absent: it never does. */
  silenceMs: { from: number; to: number } | undefined;
}

/** A worker that is stopped for longer than Temporal waits for its heartbeats (10 s) has lost its work. */
const STOPPED_MS = { from: 11_000, to: 16_000 };

/** What storage does all the time. */
const USUAL: Weather = {
  faults: { unavailable: 0.03, rateLimited: 0.005, resets: 0.015, lostAnswers: 0.01 },
  slow: 0.03,
  slowMs: 1_500,
};

const STORM: Weather = {
  faults: { unavailable: 0.3, rateLimited: 0.05, resets: 0.1, lostAnswers: 0.1 },
  slow: 0.3,
  slowMs: 4_000,
};

type Kind =
  | 'worker killed'
  | 'worker stopped'
  | 'API killed'
  | 'Temporal killed'
  | 'storage gone'
  | 'storage stormy'
  | 'storage silent';

const KINDS: readonly Kind[] = [
  ...(['worker killed', 'worker killed', 'worker killed', 'worker stopped'] as const),
  ...(['API killed', 'API killed', 'Temporal killed', 'storage gone', 'storage stormy'] as const),
];

/** Chooses what goes wrong, and does it. Each process has one trouble at a time; different ones overlap. */
export function createDisturbances(random: Random, targets: Targets): Disturbances {
  const { storage, api, temporal, workers, pauseMs, silenceMs } = targets;
  const counts = new Map<string, number>();
  const busy = new Set<unknown>();

  async function killed(part: Part, awayMs: number): Promise<void> {
    await part.kill();
    await delay(awayMs);
    await part.start();
  }

  async function stopped(part: Part, signal: AbortSignal): Promise<void> {
    const { pid } = part;
    if (pid === undefined) return;
    process.kill(pid, 'SIGSTOP');
    // Whatever happens, it goes on: a stopped process cannot be asked to end.
    await delay(random.between(STOPPED_MS.from, STOPPED_MS.to), undefined, { signal }).catch(() => undefined);
    process.kill(pid, 'SIGCONT');
  }

  async function weather(is: Weather, forMs: number): Promise<void> {
    storage.setWeather(is);
    await delay(forMs);
    storage.setWeather(USUAL);
  }

  function disturb(kind: Kind, signal: AbortSignal): { target: unknown; act: () => Promise<void> } {
    switch (kind) {
      case 'worker killed': {
        const target = random.pick(workers);
        const awayMs = random.between(0, 2_000);
        return { target, act: () => killed(target, awayMs) };
      }
      case 'worker stopped': {
        const target = random.pick(workers);
        return { target, act: () => stopped(target, signal) };
      }
      case 'API killed':
        return { target: api, act: () => killed(api, random.between(0, 1_500)) };
      case 'Temporal killed':
        return { target: temporal, act: () => killed(temporal, random.between(0, 2_500)) };
      case 'storage gone':
        return { target: storage, act: () => weather({ ...USUAL, away: 'broken' }, random.between(300, 3_000)) };
      case 'storage stormy':
        return { target: storage, act: () => weather(STORM, random.between(1_000, 4_000)) };
      case 'storage silent': {
        const { from, to } = silenceMs ?? { from: 0, to: 0 };
        return { target: storage, act: () => weather({ ...USUAL, away: 'silent' }, random.between(from, to)) };
      }
    }
  }

  return {
    counts,
    async run(signal) {
      const underWay = new Set<Promise<void>>();
      const failures: unknown[] = [];
      storage.setWeather(USUAL);
      // The first round has one of each, so that even a short run has all of them.
      const first = shuffled(random, [
        ...new Set(KINDS),
        ...(silenceMs === undefined ? [] : (['storage silent'] as const)),
      ]);
      while (!signal.aborted && failures.length === 0) {
        const kind = first[0] ?? random.pick(KINDS);
        const { target, act } = disturb(kind, signal);
        // A process that is being started again answers for nothing.
        if (!busy.has(target)) {
          busy.add(target);
          first.shift();
          counts.set(kind, (counts.get(kind) ?? 0) + 1);
          const done = act()
            .catch((error: unknown) => failures.push(error))
            .then(() => {
              busy.delete(target);
              underWay.delete(done);
            });
          underWay.add(done);
        }
        await delay(random.between(pauseMs.from, pauseMs.to), undefined, { signal }).catch(() => undefined);
      }
      await Promise.all(underWay);
      storage.setWeather(FAIR);
      if (failures.length > 0) throw failures[0];
    },
  };
}

function shuffled<T>(random: Random, items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, key: random.next() }))
    .sort((one, other) => one.key - other.key)
    .map(({ item }) => item);
}
