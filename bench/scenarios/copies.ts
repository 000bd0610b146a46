import type { Bench } from '../bench.ts';
import { copyRows, middle, type CopyBounds, type RcloneFigures } from '../copy-rows.ts';
import { BUCKETS, folderRequest, makeFiles } from '../layout.ts';
import { measureCopy, prepareWorkers, type CopyFigures } from '../measure-copy.ts';
import { rcloneCopy } from '../rclone.ts';
import { compared } from '../rows.ts';
import type { Scenario } from '../scenario.ts';
import type { Mode } from '../settings.ts';
import { median } from '../statistics.ts';

/** A collection copied by one worker. */
interface Copies {
  name: string;
  files: number;
  latencyMs: number;
  inFlight: number;
  /** All files are in one folder, instead of 1,000 in each. */
  inOneFolder?: boolean;
  modes: readonly Mode[];
  /** Short runs are repeated, in turns with rclone's; the middle figure counts. */
  rounds: number;
  bounds: CopyBounds;
}

function copies({ name, files, latencyMs, inFlight, inOneFolder = false, modes, rounds, bounds }: Copies): Scenario {
  const where = inOneFolder ? ' in one folder' : '';
  return {
    name,
    modes,
    title: `${files.toLocaleString('en-US')} files${where}, ${latencyMs} ms a call, ${inFlight} in flight`,
    async run(bench, title) {
      const folder = await makeFiles(bench.storage, files, { inOneFolder });
      await prepareWorkers(bench, { inFlight, latencyMs });
      const runs: CopyFigures[] = [];
      const rcloneRuns: RcloneFigures[] = [];
      for (let round = 0; round < rounds; round++) {
        runs.push(await measureCopy(bench, { request: folderRequest(folder), files }));
        if (bounds.ofRclone === undefined || bench.rclone === undefined) continue;
        rcloneRuns.push(await measureRclone(bench, { folder, files, transfers: inFlight }));
      }
      await bench.storage.setLatency(0);
      const figures = middle(runs);
      bench.kept.set(name, figures);
      return copyRows(title, figures, {
        bounds,
        best: latencyMs === 0 ? undefined : (inFlight * 1_000) / latencyMs,
        rclone: rcloneRuns.length === 0 ? undefined : middleOfRclone(rcloneRuns),
      });
    },
  };
}

async function measureRclone(
  { storage, storageUrl }: Bench,
  { folder, files, transfers }: { folder: string; files: number; transfers: number },
): Promise<RcloneFigures> {
  await storage.empty(BUCKETS.rclone);
  const [from, to] = [`${BUCKETS.source}/files/${folder}`, `${BUCKETS.rclone}/${folder}`];
  const { seconds, cpuMicros } = await rcloneCopy({ storageUrl, from, to, transfers });
  const { objects } = await storage.bucket(BUCKETS.rclone);
  if (objects !== files) throw new Error(`rclone copied ${objects} of ${files} files`);
  return { filesPerSecond: files / seconds, cpuMicros: cpuMicros / files };
}

function middleOfRclone(runs: readonly RcloneFigures[]): RcloneFigures {
  return {
    filesPerSecond: median(runs.map(({ filesPerSecond }) => filesPerSecond)),
    cpuMicros: median(runs.map(({ cpuMicros }) => cpuMicros)),
  };
}

const ALL = ['quick', 'default', 'full'] as const;
const LONG = ['default', 'full'] as const;

/** Names under which figures are kept for others to be compared with. */
export const SHORT_COPY = 'copy-10k';
const SLOW_COPY = 'copy-100k-50ms';

const SLOW_10K = {
  ...{ files: 10_000, latencyMs: 50, inFlight: 64, rounds: 1 },
  bounds: { ofBest: 0.9, ofRclone: 1.03, ofRcloneCpu: 0.9 },
};

const FAST_10K = {
  ...{ files: 10_000, latencyMs: 0, inFlight: 64, rounds: 7 },
  bounds: { ofRclone: 1.4, ofRcloneCpu: 0.65 },
};

/** rclone lists a folder to its end before it copies from it; folders of 1,000 it lists side by side. */
const ONE_FOLDER = { inOneFolder: true, modes: LONG };

export const slowShortCopy = copies({ ...SLOW_10K, name: 'copy-10k-50ms', modes: ALL });
export const slowFolderCopy = copies({ ...SLOW_10K, ...ONE_FOLDER, name: 'copy-10k-50ms-one-folder' });
export const shortCopy = copies({ ...FAST_10K, name: SHORT_COPY, modes: ALL });
export const folderCopy = copies({ ...FAST_10K, ...ONE_FOLDER, name: 'copy-10k-one-folder' });

export const slowCopy = copies({
  ...{ name: SLOW_COPY, files: 100_000, latencyMs: 50, inFlight: 64, rounds: 1, modes: LONG },
  bounds: { ofBest: 0.95 },
});

export const wideCopy = copies({
  ...{ name: 'copy-100k-256', files: 100_000, latencyMs: 50, inFlight: 256, rounds: 1, modes: LONG },
  bounds: { ofBest: 0.85 },
});

/** Two workers may take this many times the rate of one. */
const TWO_OF_ONE = 1.8;

export const twoWorkers: Scenario = {
  name: 'two-workers',
  title: '100,000 files, 50 ms a call, two workers with 64 in flight each',
  modes: LONG,
  async run(bench, scenario) {
    const files = 100_000;
    const copy = { request: folderRequest(await makeFiles(bench.storage, files)), files };
    let one = bench.kept.get(SLOW_COPY);
    if (one === undefined) {
      await prepareWorkers(bench, { inFlight: 64, latencyMs: 50 });
      one = await measureCopy(bench, copy);
    }
    await prepareWorkers(bench, { workers: 2, inFlight: 64, latencyMs: 50 });
    const two = await measureCopy(bench, copy);
    await bench.storage.setLatency(0);
    const rate = { scenario, figure: 'files', value: two.filesPerSecond, unit: '/s' };
    return [
      compared(rate, { name: 'one worker', value: one.filesPerSecond }, { atLeast: TWO_OF_ONE }),
      ...copyRows(scenario, two, {}).slice(1),
    ];
  },
};
