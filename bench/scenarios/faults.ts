import { BUCKETS, folderRequest, makeFiles } from '../layout.ts';
import { measureCopy, prepareWorkers } from '../measure-copy.ts';
import { amount, limited, same, told, type Row } from '../rows.ts';
import type { Scenario } from '../scenario.ts';
import type { FaultRates } from '../storage-server/faults.ts';

const FILES = 20_000;
const LATENCY_MS = 50;
const IN_FLIGHT = 64;

/** Of all requests, whatever they ask for. */
const FAULTS: FaultRates = { unavailable: 0.05, resets: 0.02, lostAnswers: 0.01 };

/** Times what the same job takes without faults. */
const MOST = 1.6;

/** A long job while storage has failures all the time, none of which says that it is asked for too much. */
export const faults: Scenario = {
  name: 'faults',
  title: `${FILES.toLocaleString('en-US')} files, 5% 503, 2% resets, 1% lost answers`,
  modes: ['default', 'full'],
  async run(bench, scenario): Promise<Row[]> {
    const { storage } = bench;
    const folder = await makeFiles(storage, FILES);
    const copy = { request: folderRequest(folder), files: FILES };
    await prepareWorkers(bench, { inFlight: IN_FLIGHT, latencyMs: LATENCY_MS });
    const fair = await measureCopy(bench, copy);
    await storage.setFaults(FAULTS);
    const faulty = await measureCopy(bench, copy).finally(() => storage.setFaults({}));
    const sources = await checksums(bench.storageUrl, BUCKETS.source, `files/${folder}`);
    const copies = await checksums(bench.storageUrl, BUCKETS.destination, folder);
    const right = sources.filter((checksum, index) => checksum === copies[index]).length;
    await storage.setLatency(0);
    const figure = (name: string, value: number, unit = '') => ({ scenario, figure: name, value, unit });
    return [
      told(figure('without faults', fair.seconds, 's'), amount(fair.filesPerSecond, '/s')),
      told(figure('with faults', faulty.seconds, 's'), amount(faulty.filesPerSecond, '/s')),
      limited(figure('times as long', faulty.seconds / fair.seconds), { atMost: MOST }),
      same(scenario, 'files with the bytes of their sources', right, copies.length),
    ];
  },
};

/** Name below the prefix, size and checksum of all objects there, in order. */
async function checksums(storageUrl: string, bucket: string, prefix: string): Promise<string[]> {
  const found: string[] = [];
  for (let pageToken: string | undefined = ''; pageToken !== undefined;) {
    const query = new URLSearchParams({ prefix, ...(pageToken !== '' && { pageToken }) });
    const response = await fetch(`${storageUrl}/storage/v1/b/${bucket}/o?${query.toString()}`);
    const page = (await response.json()) as { items: Listed[]; nextPageToken?: string };
    found.push(...page.items.map(({ name, size, crc32c }) => `${name.slice(prefix.length)} ${size} ${crc32c}`));
    pageToken = page.nextPageToken;
  }
  return found;
}

type Listed = Readonly<Record<'name' | 'size' | 'crc32c', string>>;
