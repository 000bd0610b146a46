import type { CopyOptions } from '../../contract/messages.ts';
import type { Random } from '../random.ts';

/** Where everything is: one bucket to copy from, one to copy to, and collections that overlap in it. */
export const SOURCE_BUCKET = 'chaos-source';
export const DESTINATION_BUCKET = 'chaos-destination';
export const CALLERS = ['alice', 'bob', 'carol'] as const;

/** Collections to copy to: the same object has a name in two of them. Nobody may use the last one. */
export const DESTINATIONS = [
  { collectionId: 'chaos-all', prefix: 'out/', isOpen: true },
  { collectionId: 'chaos-a', prefix: 'out/a/', isOpen: true },
  { collectionId: 'chaos-closed', prefix: 'closed/', isOpen: false },
] as const;

const AREAS = ['a', 'b', 'c', 'd', 'e', 'f'] as const;

/** Names that jobs of all kinds compete for, in each area. */
const HOT_NAMES = 12;

/** A file of a job, by the full names of its objects. */
export interface PlannedFile {
  /** `bucket/name`. Every job copies from objects of its own, so that a write tells whose it is. */
  from: string;
  to: string;
  /** What the source holds; undefined: there is none. */
  content: string | undefined;
  /** As the request names it. */
  entry: { destinationCollectionId: string; fileName: string; destinationFileName: string };
}

export type JobKind = 'list' | 'manifest' | 'prefix';

/** What is done with a job once it has been posted, after so many milliseconds. */
export interface Action {
  afterMs: number;
  what: 'cancel' | 'pause' | 'terminate';
  /** Of a pause: how long it lasts. */
  forMs: number;
}

/** A job as it is to be posted, and what is done with it. */
export interface JobPlan {
  /** Which job of the run; part of the names of its sources. */
  number: number;
  id: string;
  kind: JobKind;
  caller: (typeof CALLERS)[number];
  sourceCollectionId: string;
  files: readonly PlannedFile[];
  options: Partial<CopyOptions>;
  /** Posted twice at the same moment. */
  isDoubled: boolean;
  action: Action | undefined;
  /** What was not copied is asked for again, once, with `retry`. */
  isRetried: boolean;
  /** Access to its destination is refused to everybody. */
  isForbidden: boolean;
}

/** How long jobs may be. */
export interface Lengths {
  list: number;
  longList: number;
  manifest: number;
  prefix: number;
}

/** Chooses the next job. */
export function planJob(random: Random, number: number, lengths: Lengths): JobPlan {
  const kind = random.pick(['list', 'list', 'list', 'list', 'manifest', 'prefix'] as const);
  const isForbidden = random.chance(0.03);
  const area = random.pick(AREAS);
  const names = chooseNames(random, kind, lengths);
  const isMissing = kind === 'prefix' ? () => false : () => random.chance(0.02);
  // A prefix has no names of its own for its destinations: those of the sources, under another prefix.
  const destination = isForbidden
    ? DESTINATIONS[2]
    : area === 'a' && kind !== 'prefix' && random.chance(0.5)
      ? DESTINATIONS[1]
      : DESTINATIONS[0];
  const files = names.map((name): PlannedFile => {
    const inCollection = destination === DESTINATIONS[1] ? name : `${area}/${name}`;
    // Prefix jobs keep their names; others may be renamed on the way.
    const fileName = kind === 'prefix' ? inCollection : `files/${name}`;
    return {
      from: `${SOURCE_BUCKET}/src/${number}/${fileName}`,
      to: `${DESTINATION_BUCKET}/${destination.prefix}${inCollection}`,
      content: isMissing() ? undefined : `job ${number}, ${name}, ${random.uuid()}`,
      entry: { destinationCollectionId: destination.collectionId, fileName, destinationFileName: inCollection },
    };
  });
  return {
    number,
    id: random.uuid(),
    kind,
    caller: random.pick(CALLERS),
    sourceCollectionId: `chaos-source-${number}`,
    files,
    options: chooseOptions(random, files.length),
    isDoubled: random.chance(0.15),
    action: chooseAction(random),
    isRetried: random.chance(0.6),
    isForbidden,
  };
}

function chooseNames(random: Random, kind: JobKind, lengths: Lengths): string[] {
  const hot = new Set<string>();
  for (let count = random.between(1, 6); count > 0; count -= 1) {
    const index = random.between(0, HOT_NAMES - 1);
    hot.add(index < 2 ? `long-${index}` : `hot-${index}`);
  }
  const isShort = kind === 'list' && random.chance(0.6);
  const most = kind === 'list' ? (random.chance(0.3) ? lengths.longList : lengths.list) : lengths[kind];
  const others = isShort ? random.between(0, 8) : random.between(1, most);
  return [...hot, ...Array.from({ length: others }, (_, index) => `many/file ${String(index).padStart(5, '0')}`)];
}

function chooseOptions(random: Random, files: number): Partial<CopyOptions> {
  const options: Partial<CopyOptions> = { priority: random.between(1, 5) };
  if (random.chance(0.15)) options.overwrite = random.pick(['never', 'ifDifferent'] as const);
  if (random.chance(0.5)) options.onLocked = random.pick(['wait', 'wait', 'skip'] as const);
  if (random.chance(0.05)) options.dryRun = true;
  // The job lasts some seconds then.
  if (random.chance(0.1)) options.maxFilesPerSecond = Math.max(5, Math.ceil(files / 5));
  return options;
}

function chooseAction(random: Random): Action | undefined {
  const what = random.pick([...nothing, 'cancel', 'cancel', 'pause', 'pause', 'terminate'] as const);
  if (what === 'nothing') return undefined;
  return { what, afterMs: random.between(50, 2_500), forMs: random.between(200, 4_000) };
}

const nothing = ['nothing', 'nothing', 'nothing', 'nothing', 'nothing', 'nothing', 'nothing'] as const;

/** Name of the folder, within the source collection, that holds a prefix job's files. */
export function prefixOf(plan: JobPlan): string {
  const [area = ''] = plan.files[0]?.entry.fileName.split('/') ?? [];
  return `${area}/`;
}
