import { startBare } from '../bare.ts';
import type { Bench } from '../bench.ts';
import type { Job } from '../jobs.ts';
import { smallRequest } from '../layout.ts';
import { compared, told } from '../rows.ts';
import type { Scenario } from '../scenario.ts';

const CALLERS = 50;

/** How long they post, in milliseconds, and how often; in turns with what they are compared with. */
const TURNS = { quick: { ms: 4_000, count: 1 }, default: { ms: 6_000, count: 2 }, full: { ms: 10_000, count: 2 } };

/** At least this share of the rate at which the same server takes workflows that only answer (0.6 is the aim). */
const BOUND = 0.4;

/** Statuses asked for at a time, once all is posted. */
const READERS = 10;

interface Rate {
  count: number;
  seconds: number;
  /** Answers 503, after which a caller tried again. */
  refusals: number;
}

/** Many callers, each posting its next job as soon as the last one was answered. */
export const callers: Scenario = {
  name: 'callers',
  title: `${CALLERS} callers posting two-file jobs without pause`,
  modes: ['quick', 'default', 'full'],
  async run(bench, scenario) {
    const { ms, count } = TURNS[bench.settings.mode];
    await bench.storage.setLatency(0);
    await bench.workers.use({ workers: 1, inFlight: 64 });
    const bare = await startBare(bench.temporal, bench.native);
    const bares: Rate[] = [];
    const jobs: Rate[] = [];
    try {
      await completedJobs(bench, 'warm-up', 1_000);
      for (let turn = 0; turn < count; turn++) {
        bares.push(await repeatedly(ms, () => bare.time()));
        jobs.push(await completedJobs(bench, `turn-${turn}`, ms));
      }
    } finally {
      await bare.stop();
    }
    const figure = (name: string, value: number) => ({ scenario, figure: name, value, unit: '/s' });
    const peer = { name: 'bare update-with-start', value: rate(bares) };
    const sum = (pick: (turn: Rate) => number) => jobs.reduce((total, turn) => total + pick(turn), 0);
    const refused = `${sum(({ refusals }) => refusals)} answers 503`;
    return [
      compared(figure('completed jobs', rate(jobs)), peer, { atLeast: BOUND }),
      told(
        {
          ...figure(
            'jobs in all',
            sum((turn) => turn.count),
          ),
          unit: '',
        },
        refused,
      ),
    ];
  },
};

function rate(turns: readonly Rate[]): number {
  const [count, seconds] = turns.reduce(([sum, time], turn) => [sum + turn.count, time + turn.seconds], [0, 0]);
  return count / seconds;
}

/** Has every caller do something again and again, for so many milliseconds. */
async function repeatedly(ms: number, act: (caller: number) => Promise<unknown>): Promise<Rate> {
  const startedAt = performance.now();
  let count = 0;
  const call = async (caller: number) => {
    while (performance.now() - startedAt < ms) {
      await act(caller);
      count += 1;
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, (_, caller) => call(caller)));
  return { count, seconds: (performance.now() - startedAt) / 1_000, refusals: 0 };
}

/** Jobs from the first POST until the last of them has ended, as their records say. */
async function completedJobs({ jobs }: Bench, turn: string, ms: number): Promise<Rate> {
  const ids: string[] = [];
  let refusals = 0;
  const startedAt = Date.now();
  await repeatedly(ms, async (caller) => {
    const posted = await jobs.post(smallRequest(`callers/${turn}/${caller}/${ids.length}`));
    ids.push(posted.correlationId);
    refusals += posted.refusals;
  });
  const ended: Job[] = [];
  const read = async (reader: number) => {
    for (let index = reader; index < ids.length; index += READERS) ended.push(await jobs.ended(ids[index] as string));
  };
  await Promise.all(Array.from({ length: READERS }, (_, reader) => read(reader)));
  const failed = ended.find(({ state }) => state !== 'Completed');
  if (failed !== undefined) throw new Error(`a job is ${failed.state}: ${failed.message}`);
  const lastAt = Math.max(...ended.map(({ endedAt }) => Date.parse(endedAt ?? '')));
  return { count: ids.length, seconds: (lastAt - startedAt) / 1_000, refusals };
}
