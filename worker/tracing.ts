import type { Context } from '@temporalio/activity';
import type { ActivityInterceptors, InjectedSinks } from '@temporalio/worker';
import type { Tracing } from '../telemetry/index.ts';
import type { TracingSinks } from '../workflows/tracing.ts';

/** What makes a span of each attempt of an activity; nothing where no traces are wanted. */
export function activityTracing(tracing: Tracing | undefined): ((context: Context) => ActivityInterceptors)[] {
  if (tracing === undefined) return [];
  return [
    ({ info }) => ({
      inbound: {
        execute(input, next) {
          const { activityType, attempt } = info;
          const workflowId = info.workflowExecution?.workflowId ?? '';
          return tracing.activity({ activityType, attempt, workflowId }, input.headers, () => next(input));
        },
      },
    }),
  ];
}

/** What takes in the traces of workflows. They tell of them where their caller was traced, wanted here or not. */
export function tracingSinks(tracing: Tracing | undefined): InjectedSinks<TracingSinks> {
  return {
    tracing: {
      ended: {
        fn({ workflowType, workflowId, runId }, trace) {
          tracing?.runs({ workflowType, workflowId, runId, trace });
        },
        callDuringReplay: false,
      },
    },
  };
}
