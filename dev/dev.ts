import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { readCommandLine } from './command-line.ts';
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

const USAGE = `npm run dev -- [FOLDER]

  FOLDER  where its data and logs are kept, default .data
  --help  shows this

Brings up a Temporal server with its Web UI, a storage emulator, the worker and the API, and leaves them up until Ctrl-C.`;

/** The data folder; undefined: help is asked for. Throws TypeError for what it does not know. */
function readFolder(args: string[]): string | undefined {
  const options = { help: { type: 'boolean', short: 'h', default: false } } as const;
  const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
  if (values.help) return undefined;
  const [folder, ...others] = positionals;
  if (others.length > 0) throw new TypeError(`Unexpected argument '${others.join(' ')}': there is one folder`);
  return resolve(folder ?? join(import.meta.dirname, '..', '.data'));
}

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
    'For the command line client (npm run --silent cli -- --help), and to run an API or a worker of your own on it ' +
      '(npm run api, npm run worker), with a PORT or METRICS_PORT of its own',
  );
  show(
    Object.entries({
      APOLLO_API_URL: stack.apiUrl,
      APOLLO_TOKEN: '"$TOKEN"',
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

async function dev(dataFolder: string): Promise<void> {
  await mkdir(dataFolder, { recursive: true });
  const unlock = await lockDataFolder(dataFolder);
  try {
    const traced = tracingSettings();
    await launch({
      dataFolder,
      env: { api: traced, worker: traced },
      keepWorkflows: true,
      interruptedExitCode: 0,
      async run(stack, signal) {
        await step('Collections and files of the example', () => makeExample(stack.emulator, CALLER));
        const withdrawIssuer = await announceIssuer(dataFolder, stack.issuer, stack.jwksUrl);
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
  const read = () => readFolder(process.argv.slice(2));
  const dataFolder = readCommandLine({ name: 'dev', usage: USAGE, read });
  if (dataFolder !== undefined) {
    await dev(dataFolder).catch((error: unknown) => {
      console.error(error instanceof DataLockedError ? error.message : error);
      process.exitCode = 1;
    });
  }
}
