import type { BucketFigures, ServerFigures } from './storage-server/counters.ts';
import type { FaultRates } from './storage-server/faults.ts';
import { CONTROL_PATH, type FillRequest } from './storage-server/control.ts';

export { fileName } from './storage-server/control.ts';

/** What the bench tells its storage server, and asks of it, past what storage's clients do. */
export interface StorageControl {
  figures(): Promise<ServerFigures>;
  /** What there is under a prefix of a bucket. */
  bucket(name: string, prefix?: string): Promise<BucketFigures>;
  /** How long every answer takes from now on, in milliseconds. */
  setLatency(milliseconds: number): Promise<void>;
  /** Which share of all requests goes wrong from now on. */
  setFaults(rates: FaultRates): Promise<void>;
  /** Takes all objects out of a bucket, and makes it where there is none. */
  empty(bucket: string): Promise<void>;
  /** Makes many objects at once. */
  fill(request: FillRequest): Promise<void>;
}

/** Controls the storage server at `url`; every method throws where it answers anything but success. */
export function controlStorage(url: string): StorageControl {
  async function send(method: string, action: string, query: Record<string, string> = {}, body?: unknown) {
    const target = `${url}${CONTROL_PATH}${action}?${new URLSearchParams(query).toString()}`;
    const response = await fetch(target, { method, ...(body !== undefined && { body: JSON.stringify(body) }) });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${target}: ${response.status} ${text}`);
    return JSON.parse(text) as unknown;
  }
  return {
    figures: async () => (await send('GET', 'figures')) as ServerFigures,
    bucket: async (name, prefix = '') => (await send('GET', 'bucket', { name, prefix })) as BucketFigures,
    setLatency: async (milliseconds) => {
      await send('POST', 'latency', { ms: String(milliseconds) });
    },
    setFaults: async (rates) => {
      await send('POST', 'faults', {}, rates);
    },
    empty: async (bucket) => {
      await send('POST', 'empty', { name: bucket });
    },
    fill: async (request) => {
      await send('POST', 'fill', {}, request);
    },
  };
}
