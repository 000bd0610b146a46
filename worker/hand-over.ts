import type { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type { ActivityInterceptors } from '@temporalio/worker';
import { reason, type ReasonCode } from '../contract/reasons.ts';

const CODE: ReasonCode = 'WORKER_LOST';

/**
 * Ends what an activity does here once the worker has to end, whatever it waits for: storage may owe it an answer for
 * longer than the process has left. Temporal gives the work to another worker at once, without waiting for heartbeats
 * to stay away. What was already sent is not aborted; the next attempt finds what became of it.
 */
export function handOverAtShutdown(context: Context): ActivityInterceptors {
  return {
    inbound: {
      execute: (input, next) => Promise.race([next(input), endOfWorker(context)]),
    },
  };
}

/** Rejects, with a failure that is tried again, when the worker's time for finishing is over. */
function endOfWorker(context: Context): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  context.cancellationSignal.addEventListener('abort', () => {
    if (context.cancellationDetails?.workerShutdown !== true) return;
    const message = reason(CODE, 'the worker ended before the work was done');
    reject(ApplicationFailure.create({ message, type: CODE, details: [context.info.attempt - 1] }));
  });
  return promise;
}
