import { setTimeout as delay } from 'node:timers/promises';
import type { Bench } from './bench.ts';
import { BUCKETS } from './layout.ts';
import { limited, same, told, type Row } from './rows.ts';

/** After the request to cancel, no write may come later than this, in milliseconds. */
const LAST_WRITE_WITHIN_MS = 1_000;

/** The files before the request are copied within this, in milliseconds, or something is wrong. */
const START_WITHIN_MS = 120_000;
const POLL_MS = 5;

/** Cancels a job once so many files are at the destination, and compares what it tells with what storage holds. */
export async function measureCancel(
  { jobs, storage }: Bench,
  scenario: string,
  { request, after }: { request: unknown; after: number },
): Promise<Row[]> {
  await storage.empty(BUCKETS.destination);
  const { correlationId } = await jobs.post(request);
  const deadline = performance.now() + START_WITHIN_MS;
  while ((await storage.bucket(BUCKETS.destination)).objects < after) {
    if (performance.now() > deadline) throw new Error(`fewer than ${after} files copied in ${START_WITHIN_MS} ms`);
    await delay(POLL_MS);
  }
  const askedAt = Date.now();
  await jobs.cancel(correlationId);
  const { state, counts } = await jobs.ended(correlationId);
  const endedMs = Date.now() - askedAt;
  const { lastWriteAt, objects } = await storage.bucket(BUCKETS.destination);
  if (state !== 'Cancelled') throw new Error(`the job is ${state}, with ${objects} objects`);
  const figure = (name: string, value: number) => ({ scenario, figure: name, value, unit: 'ms' });
  return [
    limited(figure('last write after the request', lastWriteAt - askedAt), { atMost: LAST_WRITE_WITHIN_MS }),
    told(figure('ended after the request', endedMs)),
    same(scenario, 'files Completed', counts.completed, objects),
  ];
}
