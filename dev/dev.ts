import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { DataLockedError, lockDataFolder } from './data-lock.ts';
import { EXAMPLE_REQUEST, makeExample } from './example.ts';
import { tracingSettings } from './environment.ts';
import { launch } from './launch.ts';
import { curlPost, heading, show, step, table } from './output.ts';
import { CONTROL_BUCKET, type Stack } from './stack.ts';
import { AUDIENCE } from './token-issuer.ts';
import { announceIssuer } from './token.ts';

/** `npm run dev`: the embedded stack, left up. Its data stays in .data/, or in the folder given as argument. */

const CALLER = 'developer';
const TOKEN_LIFETIME_HOURS = 24;
const DATA_FOLDER = resolve(process.argv[2] ?? join(import.meta.dirname, '..', '.data'));

async function describe(stack: Stack): Promise<void> {
  const token = await stack.token({ sub: CALLER, expiresIn: TOKEN_LIFETIME_HOURS * 3_600 });
  heading('Up');
  show(
    table([
      // The token behind the # is for the browser alone: it reaches no server and no log (api/page/client/token.js).
      ['Page', `${stack.apiUrl}/#token=${token}`],
      ['API', stack.apiUrl],
      ['API documentation', `${stack.apiUrl}/docs`],
      ['Temporal Web UI', `${stack.temporalUiUrl}/namespaces/default/workflows`],
      ['Temporal', stack.temporalAddress],
      ['Storage emulator', stack.storageUrl],
      ["Worker's metrics", stack.metricsUrl],
      ['Data and logs', `${relative(process.cwd(), stack.dataFolder) || '.'}/`],
    ]),
  );
  heading(`A token for "${CALLER}", good for ${TOKEN_LIFETIME_HOURS} hours`);
  console.log(`TOKEN=${token}`);
  console.log(
    '\nFor another caller, or other scopes: npm run --silent dev:token -- --sub bob --scope "apollo_read apollo_write"',
  );
  heading(
    'To run an API or a worker of your own on it (npm run api, npm run worker), with a PORT or METRICS_PORT of its own',
  );
  show(
    Object.entries({
      TEMPORAL_ADDRESS: stack.temporalAddress,
      CONTROL_BUCKET,
      STORAGE_EMULATOR_HOST: stack.storageUrl,
      IMS_ISSUER: stack.issuer,
      IMS_JWKS_URL: stack.jwksUrl,
      IMS_AUDIENCE: AUDIENCE,
    })
      .map(([name, value]) => `export ${name}=${value}`)
      .join('\n'),
  );
  heading('Copy the two files of the example');
  console.log(curlPost(`${stack.apiUrl}/apollo/files/copy`, '$TOKEN', EXAMPLE_REQUEST));
  heading("Its status, with the answer's CorrelationId");
  console.log(`curl -sS -H "Authorization: Bearer $TOKEN" "${stack.apiUrl}/apollo/status/logs?correlationId=…"`);
  console.log('\nCtrl-C ends all of it.');
}

async function dev(): Promise<void> {
  await mkdir(DATA_FOLDER, { recursive: true });
  const unlock = await lockDataFolder(DATA_FOLDER);
  try {
    const traced = tracingSettings();
    await launch({
      dataFolder: DATA_FOLDER,
      env: { api: traced, worker: traced },
      keepWorkflows: true,
      interruptedExitCode: 0,
      async run(stack, signal) {
        await step('Collections and files of the example', () => makeExample(stack.emulator, CALLER));
        const withdrawIssuer = await announceIssuer(DATA_FOLDER, stack.issuer, stack.jwksUrl);
        try {
          await describe(stack);
          if (!signal.aborted) await once(signal, 'abort');
        } finally {
          await withdrawIssuer();
        }
        signal.throwIfAborted();
      },
    });
  } finally {
    await unlock();
  }
}

if (import.meta.main) {
  await dev().catch((error: unknown) => {
    console.error(error instanceof DataLockedError ? error.message : error);
    process.exitCode = 1;
  });
}
