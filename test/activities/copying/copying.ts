import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Activities } from '../../../activities/index.ts';
import type { JobOwner } from '../../../contract/messages.ts';
import { lockName } from '../../../storage/lock-names.ts';
import type { Fault, Hold, Rule } from '../../support/storage-proxy/index.ts';
import { newOwner, type ActivityTest } from '../support.ts';

type CopyFileTask = Parameters<Activities['copyFile']>[0];
type Operation = 'stat source' | 'stat destination' | 'stat lock' | 'rewrite';

/** One file that is to be copied, its lock taken. */
export interface Copying {
  readonly owner: JobOwner;
  readonly task: CopyFileTask;
  /** Writes the destination as somebody else would, and gives its generation. */
  putDestination(content: string): Promise<string>;
  putSource(content: string): Promise<string>;
  deleteSource(): Promise<void>;
  /** What the destination holds. */
  content(): Promise<string | undefined>;
  /** How often the destination was written through the service. */
  writes(): number;
  /** Rewrites that were sent. */
  rewrites(): { query: Readonly<Record<string, string>>; status: number | 'reset' | undefined }[];
  inject(operation: Operation, fault: Fault, options?: { times?: number }): Rule;
}

interface CopyingOptions {
  source?: string;
  /** What was at the destination before the lock was taken. */
  existing?: string;
  overwrite?: CopyFileTask['overwrite'];
}

/** Waits until an attempt has come to where it is held; fails at once where it ends without ever doing so. */
export async function reaches(result: Promise<unknown>, held: Hold, where: string): Promise<void> {
  const ended = () => assert.fail(`the attempt ended, and never came to: ${where}`);
  await Promise.race([held.reached, result.then(ended, ended)]);
}

/** Puts a source, a destination where one is given, and the lock, in this order. */
export async function prepareCopy(
  test: ActivityTest,
  { source = 'content', existing, overwrite = 'always' }: CopyingOptions = {},
): Promise<Copying> {
  const { emulator, proxy } = test;
  const name = randomUUID();
  const place = { source: { bucket: test.sourceBucket, name }, destination: { bucket: test.destinationBucket, name } };

  async function put(bucket: string, content: string): Promise<string> {
    await emulator.putObject(bucket, name, content);
    return (await emulator.statObject(bucket, name))?.generation ?? '';
  }

  await put(test.sourceBucket, source);
  if (existing !== undefined) {
    await put(test.destinationBucket, existing);
    // Times are in milliseconds: what is older than the lock is to look older.
    const { createdAt = 0 } = (await test.storage.objects.stat(place.destination)) ?? {};
    while (Date.now() <= createdAt);
  }
  const owner = newOwner();
  const attempt = await test.storage.locks.acquire(place.destination, owner);
  assert.ok(attempt.taken);
  const { generation, createdAt } = attempt.lock;

  const matchers = {
    'stat source': { operation: 'stat', ...place.source },
    'stat destination': { operation: 'stat', ...place.destination },
    'stat lock': { operation: 'stat', bucket: test.controlBucket, name: lockName(place.destination) },
    rewrite: { operation: 'rewrite', ...place.destination },
  } as const;
  return {
    owner,
    task: { ...place, lock: { generation, createdAt }, overwrite },
    putDestination: (content) => put(test.destinationBucket, content),
    putSource: (content) => put(test.sourceBucket, content),
    deleteSource: () => emulator.deleteObject(test.sourceBucket, name),
    async content() {
      const bytes = await emulator.getObject(test.destinationBucket, name);
      return bytes && Buffer.from(bytes).toString();
    },
    writes: () => proxy.writes(test.destinationBucket, name),
    rewrites: () => proxy.requests(matchers.rewrite),
    inject: (operation, fault, options) => proxy.inject(matchers[operation], fault, options),
  };
}
