import { setTimeout as delay } from 'node:timers/promises';
import { context, diag, DiagLogLevel, trace, type Tracer } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  defaultResource,
  detectResources,
  resourceAttributesEnvDetector,
  resourceFromAttributes,
  serviceNameEnvDetector,
} from '@opentelemetry/resources';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
  type Sampler,
  type SpanExporter,
} from '@opentelemetry/sdk-trace';
import type { Logger } from '../config/logger.ts';
import type { TracingConfig } from '../config/tracing.ts';
import type { StorageObserver } from '../storage/observer.ts';
import { activitySpans, type ActivitySpans } from './activity-spans.ts';
import { requestSpans, type RequestSpans } from './request-spans.ts';
import { createRunSpans, GivenIds, type RunSpans } from './run-spans.ts';
import { startSpans, type StartSpans } from './start-spans.ts';
import { storageSpans } from './storage-spans.ts';

/** What makes the spans of a process. */
export interface Tracing {
  /** Around the answer to an HTTP request. */
  request: RequestSpans;
  /** Around the start of a workflow, which takes the trace along. */
  workflowClient: StartSpans;
  /** Around what an activity does. */
  activity: ActivitySpans;
  /** Of the runs of workflows, once they end. */
  runs: RunSpans;
  /** Around requests to storage. */
  storage: StorageObserver;
  /** Sends what is not sent yet, within a second. */
  close(): Promise<void>;
}

/** Traces must not keep a process that ends. */
const CLOSE_MS = 1_000;

/** Between two deliveries, in milliseconds: a person who looks for a trace does not wait long. */
const DELIVERY_MS = 2_000;

/** Starts tracing for this process. To be called once. */
export async function createTracing(service: string, config: TracingConfig, log: Logger): Promise<Tracing> {
  const report = (...what: unknown[]) => {
    log.warn({ openTelemetry: what }, 'traces cannot be sent');
  };
  const ignore = () => undefined;
  diag.setLogger({ error: report, warn: report, info: ignore, debug: ignore, verbose: ignore }, DiagLogLevel.WARN);
  const ids = new GivenIds();
  const exporter = await createExporter(config.protocol);
  const provider = new TracerProvider({
    resource: defaultResource()
      .merge(resourceFromAttributes({ 'service.name': service }))
      .merge(detectResources({ detectors: [resourceAttributesEnvDetector, serviceNameEnvDetector] })),
    sampler: createSampler(config),
    idGenerator: ids,
    spanProcessors: [new BatchSpanProcessor({ exporter, scheduledDelayMillis: DELIVERY_MS })],
  });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  trace.setGlobalTracerProvider(provider);
  const tracer: Tracer = provider.getTracer('apollo-file-copy');
  return {
    request: requestSpans(tracer),
    workflowClient: startSpans(tracer),
    activity: activitySpans(tracer),
    runs: createRunSpans(tracer, ids),
    storage: storageSpans(tracer),
    async close() {
      const closing = provider.shutdown().catch((error: unknown) => {
        report(error);
      });
      await Promise.race([closing, delay(CLOSE_MS)]);
    },
  };
}

async function createExporter(protocol: TracingConfig['protocol']): Promise<SpanExporter> {
  const { OTLPTraceExporter } =
    protocol === 'http/json'
      ? await import('@opentelemetry/exporter-trace-otlp-http')
      : await import('@opentelemetry/exporter-trace-otlp-proto');
  return new OTLPTraceExporter();
}

function createSampler({ sampler, ratio }: TracingConfig): Sampler {
  const isParentBased = sampler.startsWith('parentbased_');
  const root = rootSampler(isParentBased ? sampler.slice('parentbased_'.length) : sampler, ratio);
  return isParentBased ? new ParentBasedSampler({ root }) : root;
}

function rootSampler(name: string, ratio: number): Sampler {
  if (name === 'traceidratio') return new TraceIdRatioBasedSampler(ratio);
  return name === 'always_off' ? new AlwaysOffSampler() : new AlwaysOnSampler();
}
