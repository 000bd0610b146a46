import assert from 'node:assert/strict';
import { ConfigError, loadApiConfig, loadWorkerConfig } from '../../config/config.ts';

const WORKER = { CONTROL_BUCKET: 'control' };
const API = { ...WORKER, IMS_ISSUER: 'https://ims.example.com', IMS_JWKS_URL: 'https://ims.example.com/keys' };

function problemOf(load: (env: Record<string, string>) => unknown, env: Record<string, string>): string {
  try {
    load(env);
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.message;
  }
  return assert.fail(`${JSON.stringify(env)} is taken`);
}

describe('settings of the worker', () => {
  it('have defaults, except for the control bucket', () => {
    assert.deepEqual(loadWorkerConfig(WORKER), {
      storage: { controlBucket: 'control', projectId: undefined, emulatorHost: undefined },
      taskQueue: 'apollo-copy',
      logLevel: 'info',
      copyConcurrency: 64,
      bucketRamp: 'off',
      deployment: undefined,
      metrics: { host: '127.0.0.1', port: 9464 },
      jobRetentionDays: 90,
    });
  });

  it('are taken from the environment', () => {
    const env = {
      CONTROL_BUCKET: 'my-control.example.com',
      GOOGLE_CLOUD_PROJECT: 'my-project',
      STORAGE_EMULATOR_HOST: 'http://127.0.0.1:4443/',
      TEMPORAL_TASK_QUEUE: 'my-queue',
      LOG_LEVEL: 'debug',
      COPY_CONCURRENCY: '7',
      BUCKET_RAMP: 'guideline',
      TEMPORAL_DEPLOYMENT_NAME: 'apollo',
      TEMPORAL_WORKER_BUILD_ID: '1.2.3+4',
      HOST: '0.0.0.0',
      METRICS_PORT: '0',
      JOB_RETENTION_DAYS: '30',
      SOMETHING_ELSE: 'is not ours',
    };
    assert.deepEqual(loadWorkerConfig(env), {
      storage: {
        controlBucket: 'my-control.example.com',
        projectId: 'my-project',
        emulatorHost: 'http://127.0.0.1:4443',
      },
      taskQueue: 'my-queue',
      logLevel: 'debug',
      copyConcurrency: 7,
      bucketRamp: 'guideline',
      deployment: { name: 'apollo', buildId: '1.2.3+4' },
      metrics: { host: '0.0.0.0', port: 0 },
      jobRetentionDays: 30,
    });
  });

  it('that are empty count as unset, as in Compose files', () => {
    const empty = { GOOGLE_CLOUD_PROJECT: '', STORAGE_EMULATOR_HOST: '', TEMPORAL_TASK_QUEUE: '', LOG_LEVEL: '' };
    assert.deepEqual(
      loadWorkerConfig({ ...WORKER, ...empty, COPY_CONCURRENCY: '', BUCKET_RAMP: '' }),
      loadWorkerConfig(WORKER),
    );
  });

  it('name a worker deployment version with both of its parts, or with neither', () => {
    const both = { TEMPORAL_DEPLOYMENT_NAME: 'apollo', TEMPORAL_WORKER_BUILD_ID: '7' };
    for (const [missing, given] of [Object.keys(both), Object.keys(both).reverse()] as [string, string][]) {
      const problem = problemOf(loadWorkerConfig, { ...WORKER, ...both, [missing]: '' });
      assert.equal(problem, `${missing} is required where ${given} is set`);
    }
    const neither = { TEMPORAL_DEPLOYMENT_NAME: '', TEMPORAL_WORKER_BUILD_ID: '' };
    assert.equal(loadWorkerConfig({ ...WORKER, ...neither }).deployment, undefined);
  });

  it('take the bounds of a number', () => {
    for (const value of [1, 1_024]) {
      assert.equal(loadWorkerConfig({ ...WORKER, COPY_CONCURRENCY: String(value) }).copyConcurrency, value);
    }
  });

  it('need none of the API', () => {
    assert.doesNotThrow(() => loadWorkerConfig({ ...WORKER, PORT: 'x', IMS_JWKS_URL: 'x' }));
  });
});

describe('settings of the API', () => {
  it('have defaults, except for the control bucket, the issuer and its keys', () => {
    assert.deepEqual(loadApiConfig(API), {
      storage: { controlBucket: 'control', projectId: undefined, emulatorHost: undefined },
      taskQueue: 'apollo-copy',
      logLevel: 'info',
      ims: { issuer: 'https://ims.example.com', jwksUrl: 'https://ims.example.com/keys', audience: undefined },
      host: '127.0.0.1',
      port: 8080,
      publicUrl: undefined,
      temporalUiUrl: undefined,
    });
  });

  it('are taken from the environment', () => {
    const config = loadApiConfig({
      ...API,
      IMS_ISSUER: 'ims',
      IMS_AUDIENCE: 'apollo',
      HOST: '::1',
      PORT: '0',
      PUBLIC_URL: 'https://apollo.example.com/base/',
      TEMPORAL_UI_URL: 'http://127.0.0.1:8233/',
    });
    assert.deepEqual(config.ims, { issuer: 'ims', jwksUrl: 'https://ims.example.com/keys', audience: 'apollo' });
    assert.deepEqual([config.host, config.port], ['::1', 0]);
    assert.equal(config.publicUrl, 'https://apollo.example.com/base', 'paths are appended to it');
    assert.equal(config.temporalUiUrl, 'http://127.0.0.1:8233');
  });

  it('take the URL of the keys and the issuer to the letter', () => {
    const { ims } = loadApiConfig({ ...API, IMS_ISSUER: 'https://ims/', IMS_JWKS_URL: 'https://ims/keys/?v=1/' });
    assert.deepEqual([ims.issuer, ims.jwksUrl], ['https://ims/', 'https://ims/keys/?v=1/']);
  });
});

describe('a wrong setting', () => {
  const wrongForBoth: [name: string, values: string[], problem: RegExp][] = [
    ['CONTROL_BUCKET', ['', 'UPPER', 'a', 'with space', 'gs://control', 'x'.repeat(223)], /bucket/],
    ['STORAGE_EMULATOR_HOST', ['127.0.0.1:4443', 'localhost', 'ftp://host'], /must be an http URL/],
    ['TEMPORAL_TASK_QUEUE', ['x'.repeat(201)], /200/],
    ['LOG_LEVEL', ['verbose', 'INFO'], /must be one of trace, debug, info, warn, error, fatal, silent/],
  ];
  const wrongForWorker: typeof wrongForBoth = [
    [
      'TEMPORAL_DEPLOYMENT_NAME',
      ['a.b', 'a:b', 'a b', 'x'.repeat(201)],
      /must be up to 200 letters, digits, or _ \+ -/,
    ],
    ['TEMPORAL_WORKER_BUILD_ID', ['a:b', 'a/b', 'x'.repeat(201)], /must be up to 200 letters, digits, or \. _ \+ -/],
    ['METRICS_PORT', ['65536', '-1', 'off'], /must be a whole number from 0 to 65535/],
    ['COPY_CONCURRENCY', ['0', '1025', '-1', '1.5', '1e2', 'many', ' 7'], /must be a whole number from 1 to 1024/],
    ['BUCKET_RAMP', ['on', 'Guideline'], /must be one of off, guideline/],
  ];
  const wrongForApi: typeof wrongForBoth = [
    ['PORT', ['65536', '-1', '80.5', 'http', '0x50'], /must be a whole number from 0 to 65535/],
    ['IMS_ISSUER', [''], /is required/],
    ['IMS_JWKS_URL', ['', 'ims.example.com/keys', 'file:///keys'], /is required|must be an http or https URL/],
    ['PUBLIC_URL', ['apollo.example.com', '/apollo'], /must be an http or https URL/],
    ['TEMPORAL_UI_URL', ['127.0.0.1:8233'], /must be an http or https URL/],
  ];
  for (const [process, load, env, cases] of [
    ['worker', loadWorkerConfig, WORKER, [...wrongForBoth, ...wrongForWorker]],
    ['API', loadApiConfig, API, [...wrongForBoth, ...wrongForApi]],
  ] as const) {
    for (const [name, values, problem] of cases) {
      it(`of the ${process} is told by its name: ${name}`, () => {
        for (const value of values) {
          const message = problemOf(load, { ...env, [name]: value });
          assert.ok(message.startsWith(`${name} `), message);
          assert.match(message, problem);
          assert.ok(!message.includes('\n'));
        }
      });
    }
  }

  it('is told together with all others', () => {
    const message = problemOf(loadApiConfig, { PORT: 'x' });
    for (const name of ['CONTROL_BUCKET', 'IMS_ISSUER', 'IMS_JWKS_URL', 'PORT'])
      assert.match(message, new RegExp(`${name} `));
  });
});
