import { Refusal, type BucketStore } from './bucket-store.ts';
import { toByteText } from './byte-text.ts';
import { OPERATIONS, type BucketFigures, type OperationCounts, type ServerFigures } from './counters.ts';
import { crc32c } from './crc32c.ts';
import type { DelayLine } from './delay-line.ts';
import type { FaultRates, Faults } from './faults.ts';
import type { HttpAnswer, HttpRequest } from './http-connection.ts';

/** Where the bench tells the server what to do, apart from what storage's clients ask; never delayed, never counted. */
export const CONTROL_PATH = '/bench/';

/** Has `count` objects of zeros made under a prefix, named as `fileName` says. */
export interface FillRequest {
  bucket: string;
  prefix: string;
  count: number;
  /** Bytes of each object. */
  size: number;
  /** How many of them are in one folder. */
  folderSize?: number;
}

/** How many files are in one folder, unless asked for otherwise. */
const FOLDER_SIZE = 1_000;

/** The name of one of the many files that a bucket is filled with; in order as texts, too. */
export function fileName(index: number, folderSize = FOLDER_SIZE): string {
  const digits = (number: number, width: number) => String(number).padStart(width, '0');
  return `folder-${digits(Math.floor(index / folderSize), 5)}/file-${digits(index, 8)}.bin`;
}

interface Controlled {
  store: BucketStore;
  delays: DelayLine;
  faults: Faults;
  counts: OperationCounts;
}

/** Carries out a request of the bench. */
export function control(
  { method, path, query, body }: HttpRequest,
  { store, delays, faults, counts }: Controlled,
): HttpAnswer {
  const action = path.slice(CONTROL_PATH.length);
  switch (`${method} ${action}`) {
    case 'GET figures': {
      const { user, system } = process.cpuUsage();
      const operations = Object.fromEntries(OPERATIONS.map((kind) => [kind, counts[kind]])) as OperationCounts;
      return json({
        operations,
        cpuMicros: user + system,
        residentSize: process.memoryUsage.rss(),
      } satisfies ServerFigures);
    }
    case 'GET bucket':
      return json(bucketFigures(store, query['name'] ?? '', query['prefix'] ?? ''));
    case 'POST latency':
      delays.latencyMs = Number(query['ms']);
      return json({});
    case 'POST faults':
      faults.rates = JSON.parse(body.toString('utf8')) as FaultRates;
      return json({});
    case 'POST empty':
      store.empty(query['name'] ?? '');
      return json({});
    case 'POST fill':
      fill(store, JSON.parse(body.toString('utf8')) as FillRequest);
      return json({});
    default:
      throw new Refusal(404, 'notFound', `There is no ${method} ${path}`);
  }
}

function json(value: unknown): HttpAnswer {
  return { status: 200, body: toByteText(JSON.stringify(value)) };
}

function bucketFigures(store: BucketStore, name: string, prefix: string): BucketFigures {
  const { objects, lastWriteAt } = store.bucket(name);
  if (prefix === '') return { objects: objects.size, lastWriteAt };
  let count = 0;
  objects.walk(prefix, (found) => {
    const isUnder = found.startsWith(prefix);
    if (isUnder) count += 1;
    return isUnder;
  });
  return { objects: count, lastWriteAt };
}

function fill(store: BucketStore, { bucket, prefix, count, size, folderSize }: FillRequest): void {
  store.makeBucket(bucket);
  const content = { size, crc32c: crc32c(new Uint8Array(size)), details: undefined };
  const start = toByteText(prefix);
  for (let index = 0; index < count; index++) store.insert(bucket, start + fileName(index, folderSize), content, {});
}
