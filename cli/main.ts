#!/usr/bin/env node
import { systemClock } from './clock.ts';
import { EXIT } from './exit-codes.ts';
import { run } from './run.ts';

/** `npm run cli -- …`, or `apollo …`: one command, by its arguments and the environment. */
async function main(): Promise<void> {
  const interrupt = new AbortController();
  // A second one ends the process at once, as without this.
  process.once('SIGINT', () => {
    interrupt.abort();
  });
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(EXIT.outputClosed);
    throw error;
  });
  const { env, stdin, stdout, stderr } = process;
  const context = { env, stdin, stdout, stderr, clock: systemClock, signal: interrupt.signal };
  process.exitCode = await run(process.argv.slice(2), context);
  // Standard input that nobody reads to its end would keep the process.
  stdin.destroy();
}

await main();
