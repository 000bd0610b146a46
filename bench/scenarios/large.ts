import { setTimeout as delay } from 'node:timers/promises';
import type { Bench } from '../bench.ts';
import { copyRows } from '../copy-rows.ts';
import { makeFiles, putManifest, smallRequest } from '../layout.ts';
import { measureCancel } from '../measure-cancel.ts';
import { measureCopy, prepareWorkers } from '../measure-copy.ts';
import { compared, limited, told, type Row } from '../rows.ts';
import type { Scenario } from '../scenario.ts';
import { median } from '../statistics.ts';
import { fileName } from '../storage-control.ts';
import { SHORT_COPY, shortCopy } from './copies.ts';

const FILES = { quick: 100_000, default: 250_000, full: 1_000_000 };
const REFERENCE_FILES = 100_000;
const SCATTERED_FILES = 10_000;
const IN_FLIGHT = 64;

const STATUS_EVERY_MS = 250;
const STATUS_BOUND_MS = 100;

/** Short jobs measured while nothing else runs, and how many at least in the middle of the long one. */
const IDLE_JOBS = 10;
const SHORT_JOB_EVERY_MS = 500;

const BOUNDS = {
  rateOfReference: 0.9,
  peakOfShort: 1.25,
  eventsPerThousand: 10,
  operationsIntoEmpty: 1.05,
  operationsOntoExisting: 1.15,
  shortJobOfIdle: 2,
};

/** A manifest of very many files: what a long job takes, what it leaves to others, and how it ends early. */
export const large: Scenario = {
  name: 'large',
  title: 'files from a manifest, no latency',
  modes: ['default', 'full'],
  async run(bench) {
    const { mode } = bench.settings;
    const files = FILES[mode];
    const title = `${files.toLocaleString('en-US')} files from a manifest, no latency`;
    const folder = await makeFiles(bench.storage, files);
    const listed = (count: number, step = 1) =>
      Array.from({ length: count }, (_, index) => folder + fileName(index * step));
    const reference = await putManifest(bench.emulator, 'reference', listed(REFERENCE_FILES));
    const whole = await putManifest(bench.emulator, 'whole', listed(files));
    const scattered = await putManifest(
      bench.emulator,
      'scattered',
      listed(SCATTERED_FILES, Math.floor(files / SCATTERED_FILES)),
    );
    if (!bench.kept.has(SHORT_COPY)) await shortCopy.run(bench, shortCopy.title);

    await prepareWorkers(bench, { inFlight: IN_FLIGHT, latencyMs: 0 });
    const before = await measureCopy(bench, { request: reference, files: REFERENCE_FILES });
    const empty = await measureCopy(bench, { request: whole, files, statusEveryMs: STATUS_EVERY_MS });
    const figure = (name: string, value: number, unit = '') => ({ scenario: title, figure: name, value, unit });
    const rows: Row[] = [
      compared(
        figure('files', empty.filesPerSecond, '/s'),
        { name: '100,000 files', value: before.filesPerSecond },
        { atLeast: BOUNDS.rateOfReference },
      ),
      ...peakRows(bench, title, empty.peakResidentSize),
      limited(figure('events a 1,000 files', empty.eventsPerThousand), { atMost: BOUNDS.eventsPerThousand }),
      limited(figure('operations a file, into nothing', empty.operationsPerFile), {
        atMost: BOUNDS.operationsIntoEmpty,
      }),
      limited(figure('longest status answer', Math.max(...empty.statusMs), 'ms'), { atMost: STATUS_BOUND_MS }),
      ...copyRows(title, empty, {}).filter((row) => row.figure.includes('CPU') || row.figure.includes('server')),
    ];
    rows.push(...(await shortJobsMeanwhile(bench, title, { request: whole, files })));
    const worst = await measureCopy(bench, { request: scattered, files: SCATTERED_FILES, ontoExisting: true });
    rows.push(told(figure('operations a file, scattered over a full one', worst.operationsPerFile)));
    rows.push(...(await measureCancel(bench, title, { request: whole, after: files / 2 })));
    return rows;
  },
};

function peakRows({ kept }: Bench, scenario: string, peakResidentSize: number): Row[] {
  const short = kept.get(SHORT_COPY);
  if (short === undefined) return [];
  const mebibytes = (bytes: number) => bytes / (1_024 * 1_024);
  const peak = { scenario, figure: 'worker peak RSS', value: mebibytes(peakResidentSize), unit: 'MiB' };
  const peer = { name: '10,000 files', value: mebibytes(short.peakResidentSize) };
  return [compared(peak, peer, { atMost: BOUNDS.peakOfShort })];
}

/** The job once more, onto what it copied before, with jobs of two files in the middle of it. */
async function shortJobsMeanwhile(
  bench: Bench,
  scenario: string,
  copy: { request: unknown; files: number },
): Promise<Row[]> {
  const idle: number[] = [];
  for (let job = 0; job < IDLE_JOBS; job++) idle.push(await timeShortJob(bench, `idle/${job}`));
  const busy: number[] = [];
  const over = new AbortController();
  const long = measureCopy(bench, { ...copy, ontoExisting: true }).finally(() => {
    over.abort();
  });
  const isRunning = () => !over.signal.aborted;
  const short = async () => {
    await delay(SHORT_JOB_EVERY_MS);
    while (isRunning()) {
      const took = await timeShortJob(bench, `meanwhile/${busy.length}`);
      // One that outlasted the long job had the end of it to itself.
      if (isRunning()) busy.push(took);
      await delay(SHORT_JOB_EVERY_MS);
    }
  };
  const [full] = await Promise.all([long, short()]);
  const figure = (name: string, value: number, unit = '') => ({ scenario, figure: name, value, unit });
  return [
    limited(figure('operations a file, onto the same files', full.operationsPerFile), {
      atMost: BOUNDS.operationsOntoExisting,
    }),
    compared(
      figure('two files meanwhile, to Completed', median(busy), 'ms'),
      { name: 'idle', value: median(idle) },
      { atMost: BOUNDS.shortJobOfIdle },
    ),
  ];
}

/** A job of two files from request to Completed, in milliseconds. */
async function timeShortJob({ jobs }: Bench, unique: string): Promise<number> {
  const { correlationId, tookMs } = await jobs.post(smallRequest(unique), { wait: 60 });
  const { job } = await jobs.status(correlationId);
  if (job.state !== 'Completed') throw new Error(`a job of two files is ${job.state}: ${job.message}`);
  return tookMs;
}
