import type { CopyFigures } from './measure-copy.ts';
import { amount, compared, told, type Bound, type Row } from './rows.ts';
import { median, quantile } from './statistics.ts';

const MEBIBYTE = 1_024 * 1_024;

/** What a copy is held against. */
export interface CopyBounds {
  /** Share of the rate that the latency allows: rewrites in flight, divided by the latency. */
  ofBest?: number;
  /** Times the files/s of rclone. */
  ofRclone?: number;
  /** Share of rclone's CPU time a file. */
  ofRcloneCpu?: number;
}

/** What rclone took for the same files. */
export interface RcloneFigures {
  filesPerSecond: number;
  cpuMicros: number;
}

/** The middle of some runs, figure by figure. */
export function middle(runs: readonly CopyFigures[]): CopyFigures {
  const of = (pick: (run: CopyFigures) => number) => median(runs.map(pick));
  return {
    seconds: of((run) => run.seconds),
    filesPerSecond: of((run) => run.filesPerSecond),
    workerCpuMicros: of((run) => run.workerCpuMicros),
    peakResidentSize: Math.max(...runs.map((run) => run.peakResidentSize)),
    operationsPerFile: of((run) => run.operationsPerFile),
    eventsPerThousand: of((run) => run.eventsPerThousand),
    serverShare: of((run) => run.serverShare),
    statusMs: runs.flatMap((run) => run.statusMs),
  };
}

/** The rows of a copy: rate and CPU beside their peers, and what it took of everything else. */
export function copyRows(
  scenario: string,
  figures: CopyFigures,
  peers: { best?: number | undefined; rclone?: RcloneFigures | undefined; bounds?: CopyBounds },
): Row[] {
  const { best, rclone, bounds = {} } = peers;
  const rate = { scenario, figure: 'files', value: figures.filesPerSecond, unit: '/s' };
  const cpu = { scenario, figure: 'worker CPU a file', value: figures.workerCpuMicros, unit: 'µs' };
  const rows: Row[] = [];
  if (best !== undefined) rows.push(compared(rate, { name: 'best', value: best }, atLeast(bounds.ofBest)));
  if (rclone !== undefined) {
    const { filesPerSecond, cpuMicros } = rclone;
    rows.push(compared(rate, { name: 'rclone', value: filesPerSecond }, atLeast(bounds.ofRclone)));
    const atMost = bounds.ofRcloneCpu === undefined ? undefined : { atMost: bounds.ofRcloneCpu };
    rows.push(compared(cpu, { name: 'rclone', value: cpuMicros }, atMost));
  } else {
    const beside = bounds.ofRclone === undefined ? '' : 'rclone is not installed';
    if (rows.length === 0) rows.push(told(rate, beside));
    rows.push(told(cpu, beside));
  }
  rows.push(
    told({ scenario, figure: 'worker peak RSS', value: figures.peakResidentSize / MEBIBYTE, unit: 'MiB' }),
    told({ scenario, figure: 'storage operations a file', value: figures.operationsPerFile, unit: '' }),
    told({ scenario, figure: 'Temporal events a 1,000 files', value: figures.eventsPerThousand, unit: '' }),
    told({ scenario, figure: 'storage server, of one core', value: figures.serverShare * 100, unit: '%' }),
  );
  if (figures.statusMs.length > 0) {
    const answers = { scenario, figure: 'status answers, 95%', value: quantile(figures.statusMs, 0.95), unit: 'ms' };
    rows.push(told(answers, `longest of ${figures.statusMs.length}: ${amount(Math.max(...figures.statusMs), 'ms')}`));
  }
  return rows;
}

function atLeast(bound: number | undefined): Bound | undefined {
  return bound === undefined ? undefined : { atLeast: bound };
}
