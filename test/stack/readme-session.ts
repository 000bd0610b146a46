import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A command of a session, and the lines that follow it. */
export interface SessionStep {
  /** As typed, without the prompt. */
  command: string;
  output: string[];
}

const README = join(import.meta.dirname, '..', '..', 'README.md');

/** The session in the README under this heading: what stands in its first block of a console. */
export async function readSession(heading: string): Promise<SessionStep[]> {
  const text = await readFile(README, 'utf8');
  const [, section = ''] = text.split(`\n## ${heading}\n`);
  const [, block = ''] = /```console\n([\s\S]*?)```/.exec(section) ?? [];
  const steps: SessionStep[] = [];
  for (const line of block.split('\n').slice(0, -1)) {
    if (line.startsWith('$ ')) steps.push({ command: line.slice(2), output: [] });
    else steps.at(-1)?.output.push(line);
  }
  return steps;
}

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;

/** The jobs of a session by the ids that they have in the README: a run has others. */
export class SessionIds {
  readonly #actual = new Map<string, string>();

  /** The command with the ids of this run. */
  inRun(command: string): string {
    return command.replaceAll(UUID, (id) => this.#actual.get(id) ?? id);
  }

  /** Takes in which ids stand where those of the README stand. */
  learn(written: readonly string[], actual: readonly string[]): void {
    const ids = (lines: readonly string[]) => lines.join('\n').match(UUID) ?? [];
    const actualIds = ids(actual);
    for (const [index, id] of ids(written).entries()) {
      const other = actualIds[index];
      if (other !== undefined && !this.#actual.has(id)) this.#actual.set(id, other);
    }
  }

  /** Lines of the README as they would stand in this run. */
  asRun(lines: readonly string[]): string[] {
    return lines.map((line) => this.inRun(line));
  }
}

/** Lines without what differs from run to run: times, how wide they make a column, and whether 5 s were enough to decide. */
export function normalised(lines: readonly string[]): string[] {
  return lines.map((line) =>
    line
      .replaceAll(/\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}/g, '<time>')
      .replaceAll(/\b(?:\d+(?:\.\d+)? m?s|\d+:\d{2})\b/g, '<duration>')
      .replaceAll(/ {2,}/g, '  ')
      .replace(' started, not decided yet', ' accepted')
      .trimEnd(),
  );
}
