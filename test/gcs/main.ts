import assert from 'node:assert/strict';
import { isDeepStrictEqual, inspect } from 'node:util';
import { CONTROL_BUCKET, startStack } from '../../dev/stack.ts';
import { createStorage } from '../../storage/index.ts';
import { smoke, SMOKE_CALLER, type Observations } from './smoke.ts';

/**
 * `npm run test:gcs`: the service against Cloud Storage itself, and against the emulator, and what differed between the
 * two. Says `skipped` and why where no buckets are named, or no credentials are there.
 */

const NEEDED = ['APOLLO_GCS_CONTROL_BUCKET', 'APOLLO_GCS_FILES_BUCKET'];

/** What has to be so on Cloud Storage. */
const STATES = {
  'a copy of odd names': 'Completed',
  'the same request again': 'Completed',
  'a source that is missing': 'CompletedWithErrors',
  'overwrite: never': 'Completed',
  'everything under a prefix': 'Completed',
} as const;

interface Buckets {
  controlBucket: string;
  filesBucket: string;
}

async function tryOn(buckets: Buckets, env: Record<string, string>, emulatorHost?: string): Promise<Observations> {
  const stack = await startStack({ anyPorts: true, env: { api: env, worker: env } });
  try {
    const { controlBucket } = buckets;
    const projectId = process.env['GOOGLE_CLOUD_PROJECT'];
    const isEmulator = Object.keys(env).length === 0;
    if (isEmulator) await stack.emulator.makeBucket(buckets.filesBucket);
    const host = isEmulator ? stack.storageUrl : emulatorHost;
    const storage = createStorage({ controlBucket, projectId, emulatorHost: host });
    const token = await stack.token({ sub: SMOKE_CALLER });
    return await smoke({ apiUrl: stack.apiUrl, token, storage, ...buckets });
  } finally {
    await stack.stop();
  }
}

async function main(): Promise<void> {
  const missing = NEEDED.filter((name) => !process.env[name]);
  if (missing.length > 0) {
    process.stdout.write(`skipped: ${missing.join(' and ')} not set (docs/operations.md, "A real bucket")\n`);
    return;
  }
  const [controlBucket = '', filesBucket = ''] = NEEDED.map((name) => process.env[name]);
  const buckets = { controlBucket, filesBucket };
  // Another emulator stands in where one is set: for trying this test itself.
  const emulatorHost = process.env['STORAGE_EMULATOR_HOST'];
  const problem = await reach(buckets, emulatorHost);
  if (problem !== undefined) {
    process.stdout.write(`skipped: the buckets cannot be reached: ${problem}\n`);
    return;
  }
  const inherited = ['GOOGLE_APPLICATION_CREDENTIALS', 'GOOGLE_CLOUD_PROJECT', 'HTTPS_PROXY', 'NODE_EXTRA_CA_CERTS'];
  const credentials = inherited.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : []));
  const env = {
    ...(Object.fromEntries(credentials) as Record<string, string>),
    STORAGE_EMULATOR_HOST: emulatorHost ?? '',
    CONTROL_BUCKET: controlBucket,
  };
  const real = await tryOn(buckets, env, emulatorHost);
  const emulated = await tryOn({ controlBucket: CONTROL_BUCKET, filesBucket: 'smoke-files' }, {});
  report(real, emulated);
  for (const [what, state] of Object.entries(STATES)) {
    assert.equal((real[what] as { state: string }).state, state, what);
  }
  assert.equal((real['a file locked by hand'] as { status: number }).status, 423);
  assert.deepEqual(real['locks left behind'], []);
  process.stdout.write('test:gcs passed\n');
}

/** Why storage cannot be used; undefined: it can. */
async function reach({ controlBucket, filesBucket }: Buckets, emulatorHost: string | undefined) {
  try {
    const { objects } = createStorage(
      { controlBucket, projectId: process.env['GOOGLE_CLOUD_PROJECT'], emulatorHost },
      { autoRetry: false, timeoutMs: 10_000 },
    );
    for (const bucket of [controlBucket, filesBucket]) {
      await objects.list({ bucket, prefix: 'apollo-smoke-' }).next();
    }
    return undefined;
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : '';
    return `${error instanceof Error ? error.message : String(error)}${cause}`.split('\n')[0];
  }
}

/** Prints what was seen, and where the emulator was seen to do something else. */
function report(real: Observations, emulated: Observations): void {
  for (const [what, seen] of Object.entries(real)) {
    const isSame = isDeepStrictEqual(seen, emulated[what]);
    process.stdout.write(`${isSame ? 'as the emulator' : 'OTHERWISE THAN THE EMULATOR'}: ${what}\n`);
    if (isSame) continue;
    for (const [where, value] of Object.entries({ 'Cloud Storage': seen, emulator: emulated[what] })) {
      process.stdout.write(`  ${where}: ${inspect(value, { depth: 6, breakLength: 110 })}\n`);
    }
  }
}

await main();
