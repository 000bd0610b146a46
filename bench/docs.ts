import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import type { ProfileLine } from './profile.ts';
import { COLUMNS, toCells, type Row } from './rows.ts';
import type { Mode } from './settings.ts';

const FILE = join(import.meta.dirname, '../docs/benchmarks.md');

/** What a run found. */
export interface Results {
  mode: Mode;
  machine: readonly (readonly [name: string, value: string])[];
  rows: readonly Row[];
  /** Empty: no profile was made. */
  profile: readonly ProfileLine[];
}

/** Puts a run's results in their place in docs/benchmarks.md, which keeps everything else that is written there. */
export async function writeResults(results: Results): Promise<void> {
  let text = await readFile(FILE, 'utf8');
  text = replace(text, `results of ${results.mode}`, resultsText(results));
  if (results.profile.length > 0) text = replace(text, 'profile', profileText(results.profile));
  const options = await resolveConfig(FILE);
  await writeFile(FILE, await format(text, { ...options, parser: 'markdown' }));
}

/** Replaces what stands between two marks. */
function replace(text: string, mark: string, content: string): string {
  const [start, end] = [`<!-- ${mark} -->`, `<!-- end of ${mark} -->`];
  const [from, to] = [text.indexOf(start), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`${FILE} has no place for the ${mark}`);
  return `${text.slice(0, from + start.length)}\n\n${content}\n\n${text.slice(to)}`;
}

function resultsText({ machine, rows }: Results): string {
  const about = machine.map(([name, value]) => `- ${name}: ${value}`);
  return [
    `Measured on ${new Date().toISOString().slice(0, 10)}.`,
    '',
    ...about,
    '',
    markdownTable(COLUMNS, toCells(rows)),
  ].join('\n');
}

function profileText(lines: readonly ProfileLine[]): string {
  const cells = lines.map(({ place, share }) => [`${(share * 100).toFixed(1)}%`, `\`${place}\``]);
  return markdownTable(['of the CPU time', 'in'], cells);
}

function markdownTable(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', String.raw`\|`)).join(' | ')} |`;
  return [line(columns), line(columns.map(() => '---')), ...rows.map(line)].join('\n');
}
