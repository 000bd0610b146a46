import { mkdir } from 'node:fs/promises';
import { seconds, table } from '../dev/output.ts';
import { startBench, type Bench } from './bench.ts';
import { writeResults } from './docs.ts';
import { describeMachine } from './machine.ts';
import { topOfProfiles, type ProfileLine } from './profile.ts';
import { broken, COLUMNS, toCells, type Row } from './rows.ts';
import type { Scenario } from './scenario.ts';
import { SCENARIOS } from './scenarios/index.ts';
import { readSettings, USAGE, type Settings } from './settings.ts';
import { readCommandLine } from '../dev/command-line.ts';

/** `npm run bench`: measures the service on the embedded stack, and exits with 1 where a bound is missed. */

const PROFILE_LINES = 20;

async function main(settings: Settings, scenarios: readonly Scenario[]): Promise<void> {
  if (settings.profileFolder !== undefined) await mkdir(settings.profileFolder, { recursive: true });
  const bench = await startBench(settings);
  const interrupt = () => {
    bench
      .stop()
      .finally(() => process.exit(130))
      .catch(console.error);
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, interrupt);
  const rows: Row[] = [];
  let machine: [string, string][] = [];
  try {
    machine = await describeMachine(bench);
    for (const scenario of scenarios) rows.push(...(await run(bench, scenario)));
  } finally {
    await bench.stop();
  }
  console.log(`\n${machine.map(([name, value]) => `${name}: ${value}`).join('\n')}\n`);
  console.log(table([COLUMNS, ...toCells(rows)]));
  const profile =
    settings.profileFolder === undefined ? [] : await topOfProfiles(settings.profileFolder, PROFILE_LINES);
  showProfile(profile);
  if (settings.only === undefined) await writeResults({ mode: settings.mode, machine, rows, profile });
  if (rows.some(({ isMet }) => isMet === false)) process.exitCode = 1;
}

function chosen({ mode, only }: Settings): Scenario[] {
  const unknown = only?.filter((name) => !SCENARIOS.some((scenario) => scenario.name === name)) ?? [];
  if (unknown.length > 0) {
    const names = SCENARIOS.map(({ name }) => name).join(', ');
    throw new TypeError(`There is no scenario ${unknown.join(', ')}; there are ${names}`);
  }
  return SCENARIOS.filter(({ name, modes }) => only?.includes(name) ?? modes.includes(mode));
}

/** A scenario that fails is told in the table, and the others are measured all the same. */
async function run(bench: Bench, scenario: Scenario): Promise<Row[]> {
  const startedAt = performance.now();
  try {
    const rows = await scenario.run(bench, scenario.title);
    console.error(`✓ ${scenario.title} (${seconds(startedAt)})`);
    return rows;
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    console.error(`✗ ${scenario.title} (${seconds(startedAt)})\n  ${problem}`);
    return [broken(scenario.title, (problem.split('\n')[0] ?? '').slice(0, 100))];
  }
}

function showProfile(lines: readonly ProfileLine[]): void {
  if (lines.length === 0) return;
  console.log("\nWhere the workers' CPU time went:");
  for (const { place, share } of lines) console.log(`${(share * 100).toFixed(1).padStart(5)}%  ${place}`);
}

const command = readCommandLine({
  ...{ name: 'bench', usage: USAGE },
  read() {
    const settings = readSettings(process.argv.slice(2));
    return settings && { settings, scenarios: chosen(settings) };
  },
});
if (command !== undefined) await main(command.settings, command.scenarios);
