import { SpanKind, type Tracer } from '@opentelemetry/api';
import { RandomIdGenerator, type IdGenerator } from '@opentelemetry/sdk-trace';
import type { RunTrace } from '../contract/tracing.ts';
import { contextOf } from './carrier.ts';
import { endFailed } from './spans.ts';

/** The run of a workflow that has ended. */
export interface EndedRun {
  workflowType: string;
  workflowId: string;
  runId: string;
  trace: RunTrace;
}

/** Tells of the run of a workflow that has ended. */
export type RunSpans = (run: EndedRun) => void;

/** Random ids, but for a span whose id is known before it is made: that of a workflow's run. */
export class GivenIds implements IdGenerator {
  readonly #random = new RandomIdGenerator();
  #given: string | undefined;

  generateTraceId(): string {
    return this.#random.generateTraceId();
  }

  generateSpanId(): string {
    return this.#given ?? this.#random.generateSpanId();
  }

  /** Spans that are made here and now get this id. */
  giving<T>(id: string, make: () => T): T {
    this.#given = id;
    try {
      return make();
    } finally {
      this.#given = undefined;
    }
  }
}

/** Makes spans of the runs of workflows. The workflow has passed the span's id on to its activities before. */
export function createRunSpans(tracer: Tracer, ids: GivenIds): RunSpans {
  return ({ workflowType, workflowId, runId, trace }) => {
    const options = {
      kind: SpanKind.SERVER,
      startTime: trace.startedAt,
      attributes: { temporalWorkflowID: workflowId, temporalRunID: runId },
    };
    const parent = contextOf(trace.carrier);
    const span = ids.giving(trace.spanId, () => tracer.startSpan(`RunWorkflow:${workflowType}`, options, parent));
    if (trace.failure === undefined) span.end(trace.endedAt);
    else endFailed(span, trace.failure, trace.endedAt);
  };
}
