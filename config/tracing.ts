import { ConfigError } from './config.ts';

/** How traces leave the process. The endpoint itself, headers and time-outs are read by the exporter. */
export interface TracingConfig {
  protocol: (typeof PROTOCOLS)[number];
  sampler: (typeof SAMPLERS)[number];
  /** Share of the traces that are kept, from 0 to 1; where the sampler goes by it. */
  ratio: number;
}

const PROTOCOLS = ['http/protobuf', 'http/json'] as const;

const SAMPLERS = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const;

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the usual settings of OpenTelemetry (opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables).
 * Undefined: no endpoint is set, or tracing is switched off. Throws ConfigError.
 */
export function loadTracingConfig(env: Environment): TracingConfig | undefined {
  const endpoint = firstSet(env, 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'OTEL_EXPORTER_OTLP_ENDPOINT');
  if (endpoint === undefined) return undefined;
  if (env['OTEL_SDK_DISABLED']?.toLowerCase() === 'true' || env['OTEL_TRACES_EXPORTER'] === 'none') return undefined;
  if (!isHttpUrl(endpoint.value)) throw new ConfigError(`${endpoint.name} must be an http or https URL`);
  const protocol = firstSet(env, 'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', 'OTEL_EXPORTER_OTLP_PROTOCOL');
  return {
    protocol: oneOf(PROTOCOLS, protocol) ?? 'http/protobuf',
    sampler: oneOf(SAMPLERS, firstSet(env, 'OTEL_TRACES_SAMPLER')) ?? 'parentbased_always_on',
    ratio: share(firstSet(env, 'OTEL_TRACES_SAMPLER_ARG')) ?? 1,
  };
}

interface Setting {
  name: string;
  value: string;
}

/** A variable that is set to nothing counts as unset, as in Compose files. */
function firstSet(env: Environment, ...names: string[]): Setting | undefined {
  for (const name of names) {
    const value = env[name];
    if (value !== undefined && value !== '') return { name, value };
  }
  return undefined;
}

function isHttpUrl(value: string): boolean {
  return /^https?:$/.test(URL.parse(value)?.protocol ?? '');
}

function oneOf<T extends string>(values: readonly T[], setting: Setting | undefined): T | undefined {
  if (setting === undefined) return undefined;
  const found = values.find((value) => value === setting.value);
  if (found === undefined) throw new ConfigError(`${setting.name} must be one of ${values.join(', ')}`);
  return found;
}

function share(setting: Setting | undefined): number | undefined {
  if (setting === undefined) return undefined;
  const value = Number(setting.value);
  if (value >= 0 && value <= 1) return value;
  throw new ConfigError(`${setting.name} must be a number from 0 to 1`);
}
