import { performance, type EventLoopUtilization } from 'node:perf_hooks';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import type { Activities } from '../activities/index.ts';
import { RightOfWay } from '../storage/pacing/right-of-way.ts';

/** The share of its time from which on the event loop is at its limit: what comes then waits for what came before. */
const AT_LIMIT = 0.6;

/** It is measured over so long, in milliseconds. */
const WINDOW_MS = 100;

/** Short work and its right of way, by how busy the event loop of this process is. */
export function createRightOfWay(): RightOfWay {
  let last: { at: number; total: EventLoopUtilization } | undefined;
  let utilization = 0;
  return new RightOfWay({
    isAtLimit() {
      const now = performance.now();
      if (last === undefined || now - last.at >= WINDOW_MS) {
        const total = performance.eventLoopUtilization();
        // A look long after the last one tells of the time between.
        utilization = performance.eventLoopUtilization(total, last?.total).utilization;
        last = { at: now, total };
      }
      return utilization >= AT_LIMIT;
    },
  });
}

/** Between two activities of one job, in milliseconds: as long as that its next one is expected. */
const NEXT_WITHIN_MS = 25;

/** Of a short job there are some of these, one after the other; a bulk job has others, once each. */
const FOLLOWED: ReadonlySet<string> = new Set<keyof Activities>(['admitJob', 'copyFile']);

/** Makes activities pieces of short work, and what lies between those of one job: it is over with the last of them. */
export function shortWork(rightOfWay: RightOfWay): ActivityInterceptorsFactory {
  return ({ info: { activityType } }) => ({
    inbound: {
      async execute(input, next) {
        const end = rightOfWay.begin({ isFollowed: FOLLOWED.has(activityType) });
        try {
          return await next(input);
        } finally {
          if (activityType === ('closeJob' satisfies keyof Activities)) end();
          else setTimeout(end, NEXT_WITHIN_MS);
        }
      },
    },
  });
}
