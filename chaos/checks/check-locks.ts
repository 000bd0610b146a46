import { setTimeout as delay } from 'node:timers/promises';
import { randomUUID } from 'node:crypto';
import { CONTROL_BUCKET } from '../../dev/stack.ts';
import type { JobAccount } from '../jobs/account.ts';
import type { ChaosApi } from '../jobs/api.ts';
import { DESTINATIONS } from '../jobs/plan.ts';
import type { ChaosStorage } from '../storage/storage.ts';
import type { Violation } from '../violation.ts';

/** A lock that nobody holds any more has to be taken over within this long, in milliseconds. */
const TAKEN_WITHIN_MS = 30_000;

/** Those of jobs that were ended by force go last, in milliseconds. */
const SETTLED_WITHIN_MS = 15_000;

interface Looking {
  storage: ChaosStorage;
  accounts: readonly JobAccount[];
  api: ChaosApi;
  /** A source that a lock may be tried with. */
  source: { collectionId: string; fileName: string };
}

/** Looks for locks once all jobs have ended: there should be none, and where there is one it can be taken. */
export async function checkLocks({ storage, accounts, api, source }: Looking): Promise<Violation[]> {
  const locks = () => storage.list(CONTROL_BUCKET, 'locks/');
  const wasForced = accounts.some(({ terminatedAt }) => terminatedAt !== undefined);
  const giveUpAt = performance.now() + (wasForced ? SETTLED_WITHIN_MS : 0);
  while (locks().length > 0 && performance.now() < giveUpAt) await delay(250);
  const left = locks();
  const found: Violation[] = left.map((lock) => ({
    kind: 'lock',
    job: undefined,
    what: `${lock} is left: ${storage.get(CONTROL_BUCKET, lock)?.content.toString() ?? ''}`,
  }));
  if (left.length === 0) return found;
  // One file in each place that may be locked.
  for (const lock of left) {
    const name = decodeURIComponent(lock.split('/').slice(3).join('/'));
    const inCollection = name.slice(DESTINATIONS[0].prefix.length) || 'tried';
    const status = await take(api, source, inCollection);
    if (status !== 200)
      found.push({ kind: 'lock', job: undefined, what: `${lock} cannot be taken: ${String(status)}` });
  }
  return found;
}

async function take(api: ChaosApi, source: Looking['source'], destinationFileName: string) {
  const { collectionId: sourceCollectionId, fileName } = source;
  const destinationCollectionId = DESTINATIONS[0].collectionId;
  const entry = { sourceCollectionId, destinationCollectionId, fileName, destinationFileName };
  const giveUpAt = performance.now() + TAKEN_WITHIN_MS;
  let status: number | undefined;
  while (performance.now() < giveUpAt) {
    const headers = { 'x-correlation-id': randomUUID() };
    status = (await api.post('/apollo/files/copy', { copyFileCollectionData: [entry] }, headers))?.status;
    if (status === 200) break;
    await delay(500);
  }
  return status;
}
