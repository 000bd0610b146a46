import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { buildWorkflowBundle } from '../../worker/workflow-bundle.ts';
import { ensureProductionTools, MissingTool, type ProductionTools } from './tools.ts';

/**
 * `npm run test:production`: what docker-compose.yml describes, without containers, and the whole-stack tests on it. Says
 * `skipped` and why where PostgreSQL or Go cannot be had.
 */

const ROOT = join(import.meta.dirname, '..', '..');
const SPECS = ['test/production/*.production.ts', 'test/stack/*.test.ts'];

/** The whole of it takes minutes; past this, something hangs. */
const TIMEOUT_MS = 30 * 60_000;

async function main(): Promise<void> {
  const tools = await prerequisites();
  if (tools === undefined) return;
  for (const version of tools.versions) process.stdout.write(`${version}\n`);
  // As in the image.
  await buildWorkflowBundle();
  const started = performance.now();
  const mocha = spawn(process.execPath, ['node_modules/mocha/bin/mocha.js', ...process.argv.slice(2), ...SPECS], {
    cwd: ROOT,
    env: { ...process.env, APOLLO_TEST_STACK: 'production' },
    stdio: 'inherit',
    timeout: TIMEOUT_MS,
  });
  const [code] = (await once(mocha, 'exit')) as [number | null];
  process.stdout.write(`test:production took ${Math.round((performance.now() - started) / 1_000)} s\n`);
  process.exitCode = code ?? 1;
}

async function prerequisites(): Promise<ProductionTools | undefined> {
  try {
    return await ensureProductionTools();
  } catch (error) {
    if (!(error instanceof MissingTool)) throw error;
    process.stdout.write(`skipped: ${error.message}\n`);
    return undefined;
  }
}

await main();
