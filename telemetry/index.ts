import type { TracingConfig } from '../config/tracing.ts';
import type { Logger } from '../config/logger.ts';
import type { Tracing } from './tracing.ts';

export type { Tracing } from './tracing.ts';

/**
 * Sends traces of this process by OTLP where that is configured, else does nothing: the libraries for it are loaded only
 * then. `service`: what the process is called in traces, unless OTEL_SERVICE_NAME says otherwise.
 */
export async function startTracing(
  service: string,
  config: TracingConfig | undefined,
  log: Logger,
): Promise<Tracing | undefined> {
  if (config === undefined) return undefined;
  const { createTracing } = await import('./tracing.ts');
  return await createTracing(service, config, log);
}
