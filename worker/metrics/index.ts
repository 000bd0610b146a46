import type { MetricMeter } from '@temporalio/common';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import type { Lanes } from '../../storage/pacing/lanes.ts';
import type { StorageObserver } from '../../storage/observer.ts';
import { activityMetrics } from './activity-metrics.ts';
import { laneMetrics } from './lane-metrics.ts';
import { storageMetrics } from './storage-metrics.ts';
import { Tallies } from './tallies.ts';

/** The worker's own metrics, on the page that the SDK serves for Prometheus. */
export interface WorkerMetrics {
  /** Told of requests to storage, and of locks. */
  storage: StorageObserver;
  /** Told of what activities give back. */
  activity: ActivityInterceptorsFactory;
  /** Has the lanes, and what each bucket takes, told as well. */
  watch(lanes: Lanes): void;
  /** Tells what is not told yet. */
  close(): void;
}

/** Between two times that the figures on the page are brought up to date, in milliseconds; it is read less often. */
const UPDATE_EVERY_MS = 1_000;

/** Makes the worker's metrics. To be called once in a process, once its runtime is installed. */
export function createMetrics(meter: MetricMeter): WorkerMetrics {
  const tallies = new Tallies(meter);
  const updates: (() => void)[] = [];
  const update = () => {
    for (const each of updates) each();
    tallies.flush();
  };
  const timer = setInterval(update, UPDATE_EVERY_MS);
  timer.unref();
  return {
    storage: storageMetrics(tallies),
    activity: activityMetrics(tallies, meter),
    watch(lanes) {
      updates.push(laneMetrics(tallies, meter, lanes));
      update();
    },
    close() {
      clearInterval(timer);
      update();
    },
  };
}
