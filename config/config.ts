import { z } from 'zod';
import { DEFAULT_TASK_QUEUE } from '../contract/ids.ts';

/** Exit code of a process whose settings are wrong (sysexits.h, EX_CONFIG). */
export const EX_CONFIG = 78;

/** A wrong or missing setting; the message is one line that names it. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** A port that cannot be listened on, whatever the system says of it (`why`). */
export function cannotListen(
  setting: 'PORT' | 'METRICS_PORT',
  { host, port }: { host: string; port: number },
  why: string,
): ConfigError {
  return new ConfigError(`${setting} ${port} cannot be listened on at HOST ${host}: ${why}`);
}

type Environment = Readonly<Record<string, string | undefined>>;

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

const BUCKET_RAMPS = ['off', 'guideline'] as const;

/** A variable that is set to nothing counts as unset, as in Compose files. */
function setting<T extends z.ZodType>(schema: T) {
  return z.preprocess((value) => (value === '' ? undefined : value), schema);
}

function wholeNumber(name: string, min: number, max: number, fallback: number) {
  const expected = `must be a whole number from ${min} to ${max}`;
  return setting(
    z
      .string()
      .regex(/^\d{1,9}$/, { error: expected })
      .transform(Number)
      .refine((value) => value >= min && value <= max, { error: expected })
      .default(fallback)
      .describe(name),
  );
}

function httpUrl(expected = 'must be an http or https URL') {
  return z.url({ protocol: /^https?$/, error: expected });
}

/** A URL that paths are appended to. */
function baseUrl(expected?: string) {
  return httpUrl(expected).transform((url) => url.replace(/\/+$/, ''));
}

const required = (what: string) => setting(z.string({ error: `is required: ${what}` }));

const storageSettings = {
  CONTROL_BUCKET: required('the bucket that holds collections, locks and job records').pipe(
    z.string().regex(/^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$/, { error: 'must be the name of a bucket' }),
  ),
  GOOGLE_CLOUD_PROJECT: setting(z.string().optional()),
  STORAGE_EMULATOR_HOST: setting(baseUrl('must be an http URL, such as http://127.0.0.1:4443').optional()),
};

const commonSettings = {
  ...storageSettings,
  TEMPORAL_TASK_QUEUE: setting(z.string().max(200).default(DEFAULT_TASK_QUEUE)),
  LOG_LEVEL: setting(z.enum(LOG_LEVELS, { error: `must be one of ${LOG_LEVELS.join(', ')}` }).default('info')),
};

const apiSettings = {
  ...commonSettings,
  IMS_ISSUER: required('the issuer whose tokens are accepted (claim "iss")'),
  IMS_JWKS_URL: required("the URL of the issuer's keys (a JSON Web Key Set)").pipe(httpUrl()),
  IMS_AUDIENCE: setting(z.string().optional()),
  HOST: setting(z.string().default('127.0.0.1')),
  PORT: wholeNumber('PORT', 0, 65_535, 8080),
  PUBLIC_URL: setting(baseUrl().optional()),
  TEMPORAL_UI_URL: setting(baseUrl().optional()),
};

function matching(pattern: RegExp, expected: string) {
  return setting(z.string().regex(pattern, { error: expected }).optional());
}

const workerSettings = {
  ...commonSettings,
  COPY_CONCURRENCY: wholeNumber('COPY_CONCURRENCY', 1, 1_024, 64),
  JOB_RETENTION_DAYS: wholeNumber('JOB_RETENTION_DAYS', 1, 36_500, 90),
  BUCKET_RAMP: setting(z.enum(BUCKET_RAMPS, { error: `must be one of ${BUCKET_RAMPS.join(', ')}` }).default('off')),
  // Temporal writes a version as `name:build`, formerly as `name.build`.
  TEMPORAL_DEPLOYMENT_NAME: matching(/^[\w+-]{1,200}$/, 'must be up to 200 letters, digits, or _ + -'),
  TEMPORAL_WORKER_BUILD_ID: matching(/^[\w.+-]{1,200}$/, 'must be up to 200 letters, digits, or . _ + -'),
  HOST: setting(z.string().default('127.0.0.1')),
  METRICS_PORT: wholeNumber('METRICS_PORT', 0, 65_535, 9464),
};

export interface StorageConfig {
  controlBucket: string;
  projectId: string | undefined;
  /** Base URL of an emulator, without a trailing slash; no credentials are used then. */
  emulatorHost: string | undefined;
}

export interface CommonConfig {
  storage: StorageConfig;
  taskQueue: string;
  logLevel: (typeof LOG_LEVELS)[number];
}

export interface ApiConfig extends CommonConfig {
  ims: { issuer: string; jwksUrl: string; audience: string | undefined };
  host: string;
  port: number;
  /** What status URLs start with; undefined: taken from the address the API listens on. */
  publicUrl: string | undefined;
  temporalUiUrl: string | undefined;
}

export interface WorkerConfig extends CommonConfig {
  /** Object rewrites in flight in this process. */
  copyConcurrency: number;
  /** `guideline`: a bucket is written 1,000 times a second at first, and at most twice as often every 20 minutes. */
  bucketRamp: (typeof BUCKET_RAMPS)[number];
  /** The worker deployment version that the worker runs as; undefined: it takes the work of no version in particular. */
  deployment: { name: string; buildId: string } | undefined;
  /** Where the worker's metrics are served. */
  metrics: { host: string; port: number };
  /** Days for which the record of a job that has ended is kept. */
  jobRetentionDays: number;
}

function parse<T extends z.ZodRawShape>(env: Environment, shape: T): z.output<z.ZodObject<T>> {
  const result = z.object(shape).safeParse(env);
  if (result.success) return result.data;
  const problems = result.error.issues.map(({ path, message }) => `${path.map(String).join('.')} ${message}`);
  throw new ConfigError(problems.join('; '));
}

function storage(settings: z.output<z.ZodObject<typeof storageSettings>>): StorageConfig {
  return {
    controlBucket: settings.CONTROL_BUCKET,
    projectId: settings.GOOGLE_CLOUD_PROJECT,
    emulatorHost: settings.STORAGE_EMULATOR_HOST,
  };
}

function common(settings: z.output<z.ZodObject<typeof commonSettings>>): CommonConfig {
  return {
    storage: storage(settings),
    taskQueue: settings.TEMPORAL_TASK_QUEUE,
    logLevel: settings.LOG_LEVEL,
  };
}

/** The task queue that workers and API share, for a command that needs nothing else. Throws ConfigError. */
export function loadTaskQueue(env: Environment): string {
  const { TEMPORAL_TASK_QUEUE } = commonSettings;
  return parse(env, { TEMPORAL_TASK_QUEUE }).TEMPORAL_TASK_QUEUE;
}

/** Settings of whatever needs no more than storage. Pure: reads nothing but its argument; throws ConfigError. */
export function loadStorageConfig(env: Environment): StorageConfig {
  return storage(parse(env, storageSettings));
}

/** Settings of the API process. Pure: reads nothing but its argument; throws ConfigError. */
export function loadApiConfig(env: Environment): ApiConfig {
  const settings = parse(env, apiSettings);
  return {
    ...common(settings),
    ims: { issuer: settings.IMS_ISSUER, jwksUrl: settings.IMS_JWKS_URL, audience: settings.IMS_AUDIENCE },
    host: settings.HOST,
    port: settings.PORT,
    publicUrl: settings.PUBLIC_URL,
    temporalUiUrl: settings.TEMPORAL_UI_URL,
  };
}

/** Settings of a worker process. Pure: reads nothing but its argument; throws ConfigError. */
export function loadWorkerConfig(env: Environment): WorkerConfig {
  const settings = parse(env, workerSettings);
  return {
    ...common(settings),
    copyConcurrency: settings.COPY_CONCURRENCY,
    bucketRamp: settings.BUCKET_RAMP,
    deployment: deployment(settings.TEMPORAL_DEPLOYMENT_NAME, settings.TEMPORAL_WORKER_BUILD_ID),
    jobRetentionDays: settings.JOB_RETENTION_DAYS,
    metrics: { host: settings.HOST, port: settings.METRICS_PORT },
  };
}

function deployment(name: string | undefined, buildId: string | undefined): WorkerConfig['deployment'] {
  if (name !== undefined && buildId !== undefined) return { name, buildId };
  if (name === undefined && buildId === undefined) return undefined;
  const names = ['TEMPORAL_DEPLOYMENT_NAME', 'TEMPORAL_WORKER_BUILD_ID'];
  const [missing, given] = name === undefined ? names : names.reverse();
  throw new ConfigError(`${missing} is required where ${given} is set`);
}
