import { spawn, type ChildProcess } from 'node:child_process';
import { globSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

/**
 * `npm test`: the whole suite. Tests spend most of their time waiting, so it runs in two processes side by side, which
 * share nothing. What the second one says is told when the first is through. With arguments, those are mocha's, and there
 * is one process: `npm test -- test/storage/**\/*.test.ts`.
 */

const ROOT = join(import.meta.dirname, '..');
const MOCHA = join(createRequire(import.meta.url).resolve('mocha/package.json'), '..', 'bin', 'mocha.js');

/** Folders of tests of the whole service, which take about half of the time. */
const WHOLE_SERVICE = ['test/stack/', 'test/chaos/', 'test/dev/'];

interface Outcome {
  output: string;
  isPassed: boolean;
}

const children = new Set<ChildProcess>();

function runMocha(args: readonly string[], { isTold }: { isTold: boolean }): Promise<Outcome> {
  const child = spawn(process.execPath, [MOCHA, ...args], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...(process.stdout.isTTY && { FORCE_COLOR: '1' }) },
  });
  children.add(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      if (isTold) process.stdout.write(text);
    });
  }
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      children.delete(child);
      resolve({ output, isPassed: code === 0 });
    });
  });
}

/** What the last summary of an output says: how many tests are `passing` or `failing`. */
function count(output: string, what: 'passing' | 'failing'): number {
  const lines = [...stripVTControlCharacters(output).matchAll(new RegExp(`^ +(\\d+) ${what}\\b`, 'gm'))];
  return Number(lines.at(-1)?.[1] ?? 0);
}

/** What mocha tells at its end of the tests that failed, each with its error; empty where none has. */
function failuresOf(output: string): string {
  const plain = stripVTControlCharacters(output);
  const at = plain.search(/^ +\d+ failing\b/m);
  return at < 0 ? '' : plain.slice(at);
}

async function runAll(): Promise<boolean> {
  const startedAt = performance.now();
  const files = globSync('test/**/*.test.ts', { cwd: ROOT }).toSorted();
  const isWhole = (file: string) => WHOLE_SERVICE.some((folder) => file.startsWith(folder));
  const [whole, parts] = [files.filter(isWhole), files.filter((file) => !isWhole(file))];
  const first = runMocha(parts, { isTold: true });
  const second = runMocha(whole, { isTold: false });
  const outcomes = [await first, await second] as const;
  process.stdout.write(outcomes[1].output);
  // Once more at the end, where they are looked for: those of the first stand before all that the second said.
  for (const { output } of outcomes) process.stdout.write(failuresOf(output));
  const sum = (what: 'passing' | 'failing') => outcomes.reduce((total, { output }) => total + count(output, what), 0);
  const minutes = Math.ceil((performance.now() - startedAt) / 60_000);
  console.log(`Both together:\n\n  ${sum('passing')} passing (${minutes}m)\n  ${sum('failing')} failing\n`);
  return outcomes.every(({ isPassed }) => isPassed);
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    // Its hooks end what it has started.
    for (const child of children) child.kill(signal);
  });
}

const args = process.argv.slice(2);
const isPassed = args.length > 0 ? (await runMocha(args, { isTold: true })).isPassed : await runAll();
process.exitCode = isPassed ? 0 : 1;
