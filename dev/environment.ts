/** What the parts see of the environment of whoever starts the stack. */

/**
 * Only these are handed on: a TEMPORAL_ADDRESS, a proxy or Google credentials of the shell must not lead the stack, or
 * its tests, to a real service.
 */
const INHERITED = ['PATH', 'HOME', 'USER', 'TMPDIR', 'LANG', 'LC_ALL', 'TZ', 'NODE_OPTIONS', 'NODE_V8_COVERAGE'];

/** Settings of the service that may be tried out on the stack. */
const TUNABLE = ['COPY_CONCURRENCY', 'BUCKET_RAMP', 'JOB_RETENTION_DAYS'];

/** The settings of OpenTelemetry that are set here: `npm run dev` hands them on to API and worker, tests do not. */
export function tracingSettings(): Record<string, string> {
  const entries = Object.entries(process.env).filter(([name]) => name.startsWith('OTEL_'));
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => entry[1] !== undefined));
}

/** Quieter ones would leave out the line by which a worker says that it is up. */
const LOG_LEVELS = ['trace', 'debug', 'info'];

/** The environment that every part starts from. */
export function baseEnvironment(): Record<string, string> {
  const entries = [...INHERITED, ...TUNABLE].map((name) => [name, process.env[name]] as const);
  const level = process.env['LOG_LEVEL'] ?? '';
  if (LOG_LEVELS.includes(level)) entries.push(['LOG_LEVEL', level]);
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => entry[1] !== undefined));
}
