import { BucketStore } from '../../bench/storage-server/bucket-store.ts';
import { toByteText } from '../../bench/storage-server/byte-text.ts';
import { checksumText, crc32c } from '../../bench/storage-server/crc32c.ts';
import { Faults, type FaultRates } from '../../bench/storage-server/faults.ts';
import type { HttpAnswer, HttpHandler, HttpRequest } from '../../bench/storage-server/http-connection.ts';
import { startStorageServer } from '../../bench/storage-server/server.ts';
import { createStorageApi } from '../../bench/storage-server/storage-api.ts';
import type { Random } from '../random.ts';
import { createLongRewrites } from './long-rewrites.ts';
import { WriteLog, type Write } from './write-log.ts';

/** How storage behaves for a while. */
export interface Weather {
  faults: FaultRates;
  /** Share of requests that take long, half of them carried out late, half answered late. */
  slow: number;
  /** The longest of these, in milliseconds. */
  slowMs: number;
  /** Nobody is there: all connections break, or stay open without a word until that is over, and then break. */
  away?: 'broken' | 'silent';
}

export const FAIR: Weather = { faults: {}, slow: 0, slowMs: 0 };

interface StoredContent {
  content: Buffer;
  generation: number;
}

/** A storage server of this process: nothing of it is lost with the processes that are killed. */
export interface ChaosStorage {
  readonly url: string;
  /** All copies that were made, in their order. */
  readonly writes: readonly Write[];
  /** Requests that went wrong: failed, broken off, or slow. */
  readonly faults: number;
  setWeather(weather: Weather): void;
  /** Puts an object past the service. */
  put(bucket: string, name: string, content: string): void;
  /** What an object holds, or undefined where there is none. */
  get(bucket: string, name: string): StoredContent | undefined;
  /** Names of the objects under a prefix. */
  list(bucket: string, prefix: string): string[];
  close(): Promise<void>;
}

/** The checksum of a text, as Cloud Storage writes it. */
export function checksumOf(content: string): string {
  return checksumText(crc32c(Buffer.from(content)));
}

/** Starts the storage server; its faults follow from `random`. */
export async function startChaosStorage(random: Random, buckets: readonly string[]): Promise<ChaosStorage> {
  const store = new BucketStore();
  for (const bucket of buckets) store.makeBucket(bucket);
  const log = new WriteLog();
  const faults = new Faults(() => random.next());
  const api = createStorageApi(store);
  const inCalls = createLongRewrites();
  let weather = FAIR;
  let others = 0;
  /** Breaks off what has been asked in silence. */
  const unanswered: (() => void)[] = [];

  /** Storage as it should be: no latency is set, so that it answers at once. */
  function carryOut(request: HttpRequest): HttpAnswer {
    const answer = inCalls(request, () => askNow(api, request));
    log.take(request, answer);
    return answer;
  }

  const handle: HttpHandler = (request, answer) => {
    if (weather.away !== undefined) {
      others += 1;
      const breakOff = () => {
        answer('reset');
      };
      if (weather.away === 'silent') unanswered.push(breakOff);
      else breakOff();
      return;
    }
    const meet = () => faults.meet(() => carryOut(request));
    if (random.next() >= weather.slow) {
      answer(meet());
      return;
    }
    others += 1;
    const late = random.chance(0.5) ? meet : always(meet());
    setTimeout(
      () => {
        answer(late());
      },
      random.between(1, weather.slowMs),
    );
  };

  const server = await startStorageServer(0, handle);
  return {
    url: server.url,
    writes: log.writes,
    get faults() {
      return others + Object.values(faults.counts).reduce((sum, count) => sum + count, 0);
    },
    setWeather(next) {
      weather = next;
      faults.rates = next.faults;
      if (next.away !== 'silent') for (const breakOff of unanswered.splice(0)) breakOff();
    },
    put(bucket, name, content) {
      const bytes = Buffer.from(content);
      const details = { contentType: 'text/plain', content: bytes, metadata: undefined };
      store.insert(bucket, toByteText(name), { size: bytes.length, crc32c: crc32c(bytes), details }, {});
    },
    get(bucket, name) {
      const { objects } = store.bucket(bucket);
      const found = objects.get(toByteText(name));
      if (found === undefined) return undefined;
      return { content: found.details?.content ?? Buffer.alloc(found.size), generation: found.generation };
    },
    list(bucket, prefix) {
      const names: string[] = [];
      store.bucket(bucket).objects.walk(toByteText(prefix), (name) => {
        const isUnder = name.startsWith(toByteText(prefix));
        if (isUnder) names.push(Buffer.from(name, 'latin1').toString('utf8'));
        return isUnder;
      });
      return names;
    },
    close: () => server.close(),
  };
}

function askNow(api: HttpHandler, request: HttpRequest): HttpAnswer {
  let result: HttpAnswer | 'reset' | undefined;
  api(request, (answer) => {
    result = answer;
  });
  if (result === undefined || result === 'reset') throw new Error('the storage server did not answer at once');
  return result;
}

const always =
  <T>(value: T) =>
  () =>
    value;
