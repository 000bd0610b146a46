import { setTimeout as delay } from 'node:timers/promises';
import { startBare } from '../bare.ts';
import type { Bench } from '../bench.ts';
import { smallRequest } from '../layout.ts';
import { compared, told, type Row } from '../rows.ts';
import type { Scenario } from '../scenario.ts';
import { median, quantile } from '../statistics.ts';

const ROUNDS = { quick: 25, default: 100, full: 100 };
const WARM_UP_ROUNDS = 20;

/** A POST's median may be this many times the median of a bare update-with-start on the same server. */
const BOUND = 1.5;

/** After each measurement, in milliseconds, so that what one job leaves to do is not in the next figure. */
const SETTLE_MS = 200;

/**
 * How long a caller waits for the answer to a POST of two files, one at a time, beside what the same Temporal server
 * takes for a workflow that only answers. The two are measured in turns.
 */
export const postLatency: Scenario = {
  name: 'post-latency',
  title: 'POST of two files, one at a time',
  modes: ['quick', 'default', 'full'],
  async run(bench, title) {
    await bench.storage.setLatency(0);
    await bench.workers.use({ workers: 1, inFlight: 64 });
    const bare = await startBare(bench.temporal, bench.native);
    const posts: number[] = [];
    const bares: number[] = [];
    try {
      for (let round = -WARM_UP_ROUNDS; round < ROUNDS[bench.settings.mode]; round++) {
        const settle = round < 0 ? 0 : SETTLE_MS;
        const post = await timePost(bench, round);
        await delay(settle);
        const answer = await bare.time();
        await delay(settle);
        if (round < 0) continue;
        posts.push(post);
        bares.push(answer);
      }
    } finally {
      await bare.stop();
    }
    return rows(title, posts, bares);
  },
};

/** One POST, from request to answer, in milliseconds; returns once its job has ended. */
async function timePost({ jobs }: Bench, round: number): Promise<number> {
  const { correlationId, tookMs } = await jobs.post(smallRequest(`post-${round}`));
  const { state } = await jobs.ended(correlationId);
  if (state !== 'Completed') throw new Error(`job ${correlationId} is ${state}`);
  return tookMs;
}

function rows(scenario: string, posts: number[], bares: number[]): Row[] {
  const figure = (name: string, value: number) => ({ scenario, figure: name, value, unit: 'ms' });
  const bare = { name: 'bare update-with-start', value: median(bares) };
  return [
    compared(figure('median', median(posts)), bare, { atMost: BOUND }),
    told(figure('95%', quantile(posts, 0.95))),
  ];
}
