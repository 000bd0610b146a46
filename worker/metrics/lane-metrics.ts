import type { MetricMeter } from '@temporalio/common';
import type { BucketLimiter } from '../../storage/pacing/bucket-limiter.ts';
import type { Lanes } from '../../storage/pacing/lanes.ts';
import type { Tallies } from './tallies.ts';

/** Buckets that are told of by name; whatever is written beyond them counts as one. */
const NAMED_BUCKETS = 100;
const OTHER_BUCKETS = 'other';

/** Gives what brings the figures of the lanes, and of the buckets behind them, up to date. */
export function laneMetrics(tallies: Tallies, meter: Pick<MetricMeter, 'createGauge'>, lanes: Lanes): () => void {
  const gauge = (name: string, help: string) => meter.createGauge(name, 'float', '', help);
  gauge('apollo_lanes', 'Rewrites that may be in flight (COPY_CONCURRENCY).').set(lanes.size);
  const inFlight = gauge('apollo_rewrites_in_flight', 'Rewrites in flight.');
  const waiting = gauge(
    'apollo_rewrites_waiting',
    'Rewrites that wait for a lane, or for their bucket or job to have room.',
  );
  const limit = gauge(
    'apollo_bucket_writes_per_second_limit',
    'Writes a second that a bucket is held to, after refusals or by the guideline; 0 where it is held to none.',
  );
  const writes = tallies.counter('apollo_bucket_writes_total', 'Rewrites sent, by destination bucket.', ['bucket']);
  const refusals = tallies.counter(
    'apollo_bucket_refusals_total',
    'Rewrites that a bucket refused because of their rate (429, 503, or with Retry-After).',
    ['bucket'],
  );
  /** What was told of each bucket. */
  const told = new Map<BucketLimiter, { bucket: string; writes: number; refusals: number }>();
  return () => {
    inFlight.set(lanes.inUse);
    waiting.set(lanes.waiting);
    for (const [name, limiter] of lanes.buckets) {
      let last = told.get(limiter);
      if (last === undefined) {
        last = { bucket: told.size < NAMED_BUCKETS ? name : OTHER_BUCKETS, writes: 0, refusals: 0 };
        told.set(limiter, last);
      }
      const { bucket } = last;
      writes.add(limiter.totals.writes - last.writes, { bucket });
      refusals.add(limiter.totals.refusals - last.refusals, { bucket });
      Object.assign(last, limiter.totals);
      if (bucket !== OTHER_BUCKETS) limit.set(Number.isFinite(limiter.perSecond) ? limiter.perSecond : 0, { bucket });
    }
  };
}
