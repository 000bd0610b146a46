/**
 * Runs one job of each kind, with replaced activities on a Temporal server of its own, and keeps their histories in
 * test/histories/, where `test/workflows/replay.test.ts` replays them with the workflows as they are then.
 *
 * Run it when there is a new kind of job: `npm run histories` records all, `npm run histories -- <name> …` those named
 * and leaves the others as they are. A history that can no longer be replayed
 * is not repaired by recording it anew where such jobs may be running: that takes a version of its own
 * (docs.temporal.io/develop/typescript/versioning).
 */
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { homedir, hostname } from 'node:os';
import { join } from 'node:path';

import { mochaHooks } from '../test/support/root-hooks.ts';
import { toJson } from '../test/support/temporal-history.ts';
import { recordedJobs, type Recorded } from '../test/histories/jobs.ts';
import { withJobs } from '../test/workflows/support.ts';

const FOLDER = join(import.meta.dirname, '..', 'test', 'histories');

/** A history as text, an event a line. Stack traces are left out: they name paths, and no replay looks at them. */
async function historyOf({ handle }: Recorded): Promise<string> {
  const { events } = toJson(await handle.fetchHistory());
  const withoutTraces = (key: string, value: unknown) => (key === 'stackTrace' ? undefined : value);
  const lines = events.map((event) => JSON.stringify(event, withoutTraces));
  return `{"events":[\n${lines.join(',\n')}\n]}\n`;
}

/** Throws where a history names something of this machine, in a payload or outside. */
function assertNeutral(name: string, text: string): void {
  const payloads = Array.from(text.matchAll(/"data":"([^"]*)"/g), ([, data = '']) => Buffer.from(data, 'base64'));
  const everything = [text, ...payloads.map(String)].join('\n');
  for (const secret of [hostname(), homedir(), process.cwd(), `${process.pid}@`]) {
    if (secret.length > 1 && everything.includes(secret)) throw new Error(`the history of ${name} names ${secret}`);
  }
}

/** Records these kinds of jobs; all, in place of what there is, where none is named. */
async function record(names: readonly string[]): Promise<void> {
  const jobs = recordedJobs();
  const unknown = names.filter((name) => jobs[name] === undefined);
  if (unknown.length > 0) throw new Error(`no such kind of job: ${unknown.join(', ')}`);
  const texts = new Map<string, string>();
  for (const [name, { replaced, run, options }] of Object.entries(jobs)) {
    if (names.length > 0 && !names.includes(name)) continue;
    await withJobs(
      replaced,
      async (jobs) => {
        const job = await run(jobs);
        await job.handle.result().catch(() => undefined);
        texts.set(name, await historyOf(job));
      },
      options,
    );
    console.log(`${name}: ${texts.get(name)?.split('\n').length ?? 0} lines`);
  }
  await mkdir(FOLDER, { recursive: true });
  const former = names.length > 0 ? [] : await readdir(FOLDER);
  for (const file of former) if (file.endsWith('.json')) await rm(join(FOLDER, file));
  for (const [name, text] of texts) {
    assertNeutral(name, text);
    await writeFile(join(FOLDER, `${name}.json`), text);
  }
}

try {
  await record(process.argv.slice(2));
} finally {
  await mochaHooks.afterAll();
}
