import { randomUUID } from 'node:crypto';
import { createApiClient, type CopyBody, type LogsBody } from '../../dev/api-client.ts';
import type { StorageModule } from '../../storage/index.ts';

/** A service to try, and the storage behind it. */
export interface Place {
  apiUrl: string;
  token: string;
  controlBucket: string;
  /** Where files are copied from and to. */
  filesBucket: string;
  storage: StorageModule;
}

/** What was seen, by what was tried; values that differ from storage to storage by nature are left out. */
export type Observations = Record<string, unknown>;

/** Names that are written differently in URLs, listings and headers. */
const NAMES = ['plain.txt', 'with space #1?.txt', 'été/日本語.txt', 'a%2Fb.txt', '~+&=.txt'];
const BULK_FILES = 25;
const TIMEOUT_MS = 5 * 60_000;

/** The caller of all requests; the token has to be theirs. */
export const SMOKE_CALLER = 'smoke-test';

/**
 * The main thread and one bulk job: collections, a copy of odd names, a repeated request, a missing source, `never`, a lock
 * by hand, everything under a prefix. Removes all that it has made, whatever happens. Throws where the service does not
 * answer.
 */
export async function smoke(place: Place): Promise<Observations> {
  const run = `apollo-smoke-${randomUUID()}`;
  const jobs: string[] = [];
  try {
    return await observe(place, run, jobs);
  } finally {
    await cleanUp(place, run, jobs);
  }
}

async function observe(place: Place, run: string, jobs: string[]): Promise<Observations> {
  const { apiUrl, controlBucket, filesBucket, storage } = place;
  const { objects, locks } = storage;
  const client = createApiClient(place.token, AbortSignal.timeout(TIMEOUT_MS));
  const [source, destination] = [`${run}-source`, `${run}-destination`];
  const putCollection = async (collectionId: string, bucket: string, prefix: string) => {
    const acl = { owner: [SMOKE_CALLER], admin: [], readwrite: [], readonly: [] };
    const document = { collectionId, collectionName: collectionId, bucket, prefix, acl };
    const ref = { bucket: controlBucket, name: `collections/${collectionId}.json` };
    await objects.write(ref, JSON.stringify(document));
  };
  await putCollection(source, filesBucket, `${run}/from/`);
  await putCollection(destination, filesBucket, `${run}/to/`);
  const names = [...NAMES, ...Array.from({ length: BULK_FILES }, (_, index) => `bulk/${index}.txt`)];
  for (const name of names) {
    const options = { contentType: 'text/x-smoke', metadata: { origin: 'smoke' } };
    await objects.write({ bucket: filesBucket, name: `${run}/from/${name}` }, `content of ${name}`, options);
  }

  const copy = async (body: object, id: string = randomUUID()) => {
    jobs.push(id);
    const headers = { 'x-correlation-id': id, prefer: 'wait=60' };
    return await client.post<CopyBody>(`${apiUrl}/apollo/files/copy`, body, headers);
  };
  const filesBody = (fileNames: readonly string[], options: object = {}) => ({
    copyFileCollectionData: fileNames.map((fileName) => ({
      ...{ sourceCollectionId: source, destinationCollectionId: destination, fileName },
    })),
    options,
  });
  const ended = async (answer: Awaited<ReturnType<typeof copy>>) => {
    const url = `${apiUrl}/apollo/status/logs?limit=1000&correlationId=${answer.correlationId ?? ''}`;
    const { body } = await client.get<LogsBody>(url);
    const files = body.data.map(({ payload, state, message }) => [payload.fileName, state, message.split(':')[0]]);
    return { status: answer.status, state: body.job.state, reason: body.job.message, counts: body.job.counts, files };
  };
  const copied = async (name: string) => {
    const [from, to] = await Promise.all([
      objects.stat({ bucket: filesBucket, name: `${run}/from/${name}` }),
      objects.stat({ bucket: filesBucket, name: `${run}/to/${name}` }),
    ]);
    const isEqual = from?.crc32c !== undefined && from.crc32c === to?.crc32c && from.size === to.size;
    return { isEqual, metadata: to?.metadata };
  };

  const id = randomUUID();
  const first = await ended(await copy(filesBody(NAMES), id));
  const arrived = await Promise.all(NAMES.map(copied));
  const again = await ended(await copy(filesBody(NAMES), id));
  const missing = await ended(await copy(filesBody([NAMES[0] ?? '', 'no-such-file.txt'])));
  const never = await ended(await copy(filesBody(NAMES.slice(0, 2), { overwrite: 'never' })));

  const target = { bucket: filesBucket, name: `${run}/to/${NAMES[0] ?? ''}` };
  const taken = await locks.acquire(target, { kind: 'manual', who: 'smoke test', why: 'to be refused' });
  const refused = await copy(filesBody(NAMES.slice(0, 1)));
  if (taken.taken) await locks.release(target, taken.lock.generation);

  const collection = { sourceCollectionId: source, destinationCollectionId: destination, prefix: 'bulk/' };
  const bulk = await ended(await copy({ collection }));
  const left: string[] = [];
  for await (const { lock } of locks.list({ bucket: filesBucket })) {
    if (JSON.stringify(lock).includes(run)) left.push('a lock');
  }
  return {
    'a copy of odd names': first,
    'what arrived': arrived,
    'the same request again': again,
    'a source that is missing': missing,
    'overwrite: never': never,
    'a file locked by hand': { status: refused.status, message: refused.body.status.message },
    'everything under a prefix': bulk,
    'locks left behind': left,
  };
}

/** Removes what a run has made: its objects, collections, and the records of its jobs. */
async function cleanUp({ controlBucket, filesBucket, storage }: Place, run: string, jobs: string[]) {
  const { objects } = storage;
  const places = [
    { bucket: controlBucket, prefix: `collections/${run}` },
    { bucket: filesBucket, prefix: `${run}/` },
    ...jobs.map((id) => ({ bucket: controlBucket, prefix: `jobs/${id}/` })),
  ];
  for (const place of places)
    for await (const { bucket, name } of objects.list(place)) await objects.remove({ bucket, name });
}
