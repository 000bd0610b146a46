import type { Headers, Payload } from '@temporalio/common';
import {
  ContinueAsNew,
  defaultPayloadConverter,
  proxySinks,
  workflowInfo,
  type Sinks,
  type WorkflowInterceptors,
} from '@temporalio/workflow';
import { carrierOfSpan, spanIdOfRun, TRACE_HEADER, type RunTrace, type TraceCarrier } from '../contract/tracing.ts';

/** What a workflow tells the worker of its traces. */
export interface TracingSinks extends Sinks {
  tracing: { ended(trace: RunTrace): void };
}

/**
 * Carries the trace that a workflow was started in on to its activities and to its next run, and tells the worker of
 * the run's own span once it ends. Where it was started in none it does nothing. It records nothing itself and draws no
 * random number, so that a history replays the same with it and without.
 */
export function interceptors(): WorkflowInterceptors {
  let given: Headers = {};
  let passedOn: Headers = {};
  const withTrace = <T extends { readonly headers: Headers }>(input: T, trace: Headers): T => ({
    ...input,
    headers: { ...trace, ...input.headers },
  });
  return {
    inbound: [
      {
        execute(input, next) {
          const header = input.headers[TRACE_HEADER];
          const carrier = header && carrierIn(header);
          if (header === undefined || carrier === undefined) return next(input);
          const { runId, startTime } = workflowInfo();
          const spanId = spanIdOfRun(runId);
          given = { [TRACE_HEADER]: header };
          passedOn = { [TRACE_HEADER]: defaultPayloadConverter.toPayload(carrierOfSpan(carrier, spanId)) };
          const end = (failure?: string) => {
            const trace = { carrier, spanId, startedAt: startTime.getTime(), endedAt: Date.now() };
            proxySinks<TracingSinks>().tracing.ended({ ...trace, ...(failure !== undefined && { failure }) });
          };
          return next(input).then(
            (result) => {
              end();
              return result;
            },
            (error: unknown) => {
              end(error instanceof ContinueAsNew ? undefined : messageOf(error));
              throw error;
            },
          );
        },
      },
    ],
    outbound: [
      {
        scheduleActivity: (input, next) => next(withTrace(input, passedOn)),
        scheduleLocalActivity: (input, next) => next(withTrace(input, passedOn)),
        continueAsNew: (input, next) => next(withTrace(input, given)),
      },
    ],
  };
}

/** Whatever else has put into the header must not keep a workflow from running. */
function carrierIn(header: Payload): TraceCarrier | undefined {
  try {
    return defaultPayloadConverter.fromPayload<TraceCarrier | null>(header) ?? undefined;
  } catch {
    return undefined;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
