import { randomUUID } from 'node:crypto';
import type { BulkRequest, BulkSource, CopyFilesInput, CopyOptions, JobOwner } from '../../../contract/messages.ts';
import type { BulkVerdict } from '../../../activities/index.ts';
import type { JobRecord } from '../../../storage/job-records.ts';
import { newPlace, type Place } from '../locks/locking.ts';
import { makeActivityTest, newOwner, type ActivityTest } from '../support.ts';

/** Two collections, to the second of which `ann` may write, and what is asked for of them. */
export interface BulkAdmission {
  test: ActivityTest;
  place: Place;
  owner: JobOwner;
  /** Ids of the collections. */
  from: string;
  to: string;
  /** Everything under a prefix, from one to the other. */
  collection(prefix: string): BulkSource;
  input(source: BulkSource, options?: Partial<CopyOptions> & { caller?: string }): CopyFilesInput<BulkRequest>;
  /** `info`: of the attempt. */
  admit(request: CopyFilesInput<BulkRequest>, by?: JobOwner, info?: object): Promise<BulkVerdict>;
  /** A prefix at the destination. */
  target(prefix: string): { bucket: string; prefix: string };
  /** The job's record. */
  stored(): Promise<JobRecord | undefined>;
  /** Puts files into the source, whose content is their name. */
  put(...names: string[]): Promise<unknown>;
  /** Names of the files in the first chunk of the plan. */
  planned(): Promise<string[] | undefined>;
  /** Changes who may use the destination, and where it is. */
  change(acl: object, prefix?: string): Promise<unknown>;
}

/** Makes that for each test of a suite. To be called inside `describe`. */
export function useBulkAdmission(use: (bulk: BulkAdmission) => void): void {
  let test: ActivityTest;

  before(async () => {
    test = await makeActivityTest();
  });

  beforeEach(async () => {
    const bulk = newBulkAdmission(test);
    const { place, from, to } = bulk;
    const acl = { owner: [], admin: [], readwrite: ['ann'], readonly: [] };
    const [source, destination] = place.collections;
    for (const [collectionId, { bucket, prefix }] of [
      [from, source!],
      [to, destination!],
    ] as const) {
      await test.emulator.putCollection({ collectionId, collectionName: collectionId, bucket, prefix, acl });
    }
    use(bulk);
  });

  afterEach(() => {
    test.proxy.removeFaults();
  });
}

function newBulkAdmission(test: ActivityTest): BulkAdmission {
  const place = newPlace(test);
  const owner = newOwner();
  const [from, to] = [randomUUID(), randomUUID()];
  return {
    ...{ test, place, owner, from, to },
    collection: (prefix) => ({
      ...{ kind: 'collection', sourceCollectionId: from, destinationCollectionId: to, prefix },
    }),
    input: (bulk, { caller = 'ann', ...options } = {}) => ({
      ...{ requestor: { caller, principals: [caller] }, digest: 'd1', receivedAt: 1 },
      request: { bulk, options: { overwrite: 'always', ...options } },
    }),
    admit: (request, by = owner, info = {}) =>
      test.run('admitBulk', { owner: by, taskQueue: 'queue', input: request }, info),
    target: (prefix) => ({ bucket: test.destinationBucket, prefix: place.destination(prefix).name }),
    stored: async () => (await test.storage.records.read(owner.correlationId))?.record,
    put: (...names) =>
      Promise.all(names.map((name) => test.emulator.putObject(test.sourceBucket, place.source(name).name, name))),
    planned: async () => (await test.storage.chunks.readPlan(owner.correlationId, 0))?.map((file) => file.fileName),
    change: (acl, prefix = place.destination('').name) =>
      test.emulator.putCollection({
        ...{ collectionId: to, collectionName: to, bucket: test.destinationBucket, prefix },
        acl,
      }),
  };
}
