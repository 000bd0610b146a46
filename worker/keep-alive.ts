import type { ActivityInterceptorsFactory } from '@temporalio/worker';

/** Between two heartbeats, in milliseconds: well below the shortest heartbeat time-out there is. */
const BEAT_EVERY_MS = 1_000;

/**
 * Has activities send heartbeats for as long as they last. Most that work on locks, results and records are over before
 * the first one; but those that Temporal hands to a worker which is gone are given to another one within seconds.
 */
export const keepAlive: ActivityInterceptorsFactory = (context) => ({
  inbound: {
    async execute(input, next) {
      if (context.info.heartbeatTimeoutMs === undefined) return await next(input);
      const timer = setInterval(() => {
        context.heartbeat();
      }, BEAT_EVERY_MS);
      try {
        return await next(input);
      } finally {
        clearInterval(timer);
      }
    },
  },
});
