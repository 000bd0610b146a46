import {
  storedListOf,
  type BulkSource,
  type CollectionSource,
  type FileEntry,
  type FileRecord,
  type StoredList,
} from '../../contract/messages.ts';
import { reason } from '../../contract/reasons.ts';
import type { FileState } from '../../contract/states.ts';
import { StorageError } from '../../storage/errors.ts';
import type { JobChunkStore } from '../../storage/job-chunks.ts';
import type { JobInputStore } from '../../storage/job-inputs.ts';
import type { JobRecord } from '../../storage/job-records.ts';
import { fromLines } from '../../storage/ndjson.ts';
import { ListSink, type ListInput } from '../body/list-sink.ts';
import type { ParsedRequest } from '../body/parse-copy-request.ts';
import { sourceDigest } from '../request-digest.ts';
import { DEFAULT_OPTIONS } from '../schemas/copy-options.ts';
import { fromStorage } from './from-storage.ts';
import { RequestGivenUpError } from './job-service.ts';
import type { JobViews } from './job-views.ts';

const INVALID = reason('INVALID_REQUEST', '');

const RETRIED_STATES = ['Failed', 'Cancelled'] as const satisfies FileState[];

interface RetryDeps {
  views: JobViews;
  chunks: JobChunkStore;
  inputs: JobInputStore;
  openInput: () => ListInput;
  /** Aborted where nobody waits for the request any more. */
  signal: AbortSignal;
}

/**
 * The request for what a job that has ended did not get done: its files that failed or were cancelled and, where it
 * ended before it knew all of its files, the rest. The same every time. Undefined: there is nothing. Throws
 * ServiceUnavailableError, and RequestGivenUpError; nothing is left in storage then.
 */
export async function retryRequest(deps: RetryDeps, record: JobRecord): Promise<ParsedRequest | undefined> {
  const { bulk } = record;
  if (bulk !== null && wasNotRead(record)) return await wholeRequest(deps, record, bulk);
  if (bulk?.kind === 'collection' && record.isCutShort === true) return await restRequest(deps, record, bulk);
  return await listOf(deps, record, (list) => addUnfinished(deps, record, list));
}

/** Whether a job was ended before it was decided: of a list, who knows how much was read. Nothing was copied. */
function wasNotRead({ status: { state, counts }, admission, isUnread }: JobRecord): boolean {
  if (isUnread === true) return true;
  return state === 'Terminated' && admission === null && counts.completed + counts.skipped === 0;
}

/** The same request again. A list that was stored for it is stored anew: each job has an input of its own. */
async function wholeRequest(deps: RetryDeps, record: JobRecord, bulk: BulkSource): Promise<ParsedRequest | undefined> {
  const options = optionsOf(record);
  if (bulk.kind === 'manifest') return { request: { bulk, options }, digest: sourceDigest(bulk, options) };
  const copyList = (list: ListSink) => addStored(deps, bulk, list);
  if (bulk.kind === 'stored') return await listOf(deps, record, copyList);
  return await collectionRequest(deps, record, { ...bulk, after: bulk.rest?.after }, copyList);
}

/** What was not listed of a prefix, and the files to be tried again of what was. */
async function restRequest(deps: RetryDeps, record: JobRecord, bulk: CollectionSource): Promise<ParsedRequest> {
  const after = (await lastListed(deps, record.correlationId, bulk)) ?? '';
  return await collectionRequest(deps, record, { ...bulk, after }, (list) => addUnfinished(deps, record, list));
}

/** The last file that is planned of a prefix, by its name; what goes before the listing was not listed by this job. */
async function lastListed({ chunks }: RetryDeps, correlationId: string, { rest }: CollectionSource) {
  const last = await fromStorage(chunks.lastPlanned(correlationId));
  const file = last && (await fromStorage(chunks.readPlan(correlationId, last.chunk)))?.at(-1);
  return file === undefined || file.index < (rest?.again?.count ?? 0) ? rest?.after : file.fileName;
}

/** A request for what is under a prefix, all of it or behind a file, and for the files of a list before that. */
async function collectionRequest(
  deps: RetryDeps,
  record: JobRecord,
  { sourceCollectionId, destinationCollectionId, prefix, after }: CollectionSource & { after: string | undefined },
  add: (list: ListSink) => Promise<void>,
): Promise<ParsedRequest> {
  const options = optionsOf(record);
  const listed = await listOf(deps, record, add, { isStored: true });
  const stored = listed && 'bulk' in listed.request ? storedListOf(listed.request.bulk) : undefined;
  const again = stored && { object: stored.object, generation: stored.generation, count: stored.count };
  const rest = after === undefined && again === undefined ? undefined : { after: after ?? '', ...(again && { again }) };
  const bulk = {
    ...{ kind: 'collection' as const, sourceCollectionId, destinationCollectionId, prefix },
    ...(rest && { rest }),
  };
  return { request: { bulk, options }, digest: sourceDigest(bulk, options, listed?.digest) };
}

/** The request for a list; undefined: it is empty. */
async function listOf(
  { openInput, signal }: RetryDeps,
  record: JobRecord,
  add: (list: ListSink) => Promise<void>,
  how: { isStored?: boolean } = {},
): Promise<ParsedRequest | undefined> {
  const list = new ListSink(openInput, how);
  try {
    await add(list);
    if (list.count === 0) return undefined;
    const request = await list.finish(optionsOf(record));
    throwIfGivenUp(signal);
    return request;
  } catch (error) {
    await list.abort();
    throw error;
  }
}

/** Adds the files that can be tried again, those that failed first. */
async function addUnfinished({ views, signal }: RetryDeps, record: JobRecord, list: ListSink): Promise<void> {
  for (const state of RETRIED_STATES) {
    for await (const files of views.files(record, state)) {
      throwIfGivenUp(signal);
      // A line of a manifest that was wrong is wrong again.
      for (const file of files) if (!file.message.startsWith(INVALID)) list.add(toEntry(file));
      await list.flush();
    }
  }
}

/** Adds what is in the list that was stored for a request. */
async function addStored(deps: RetryDeps, source: BulkSource, list: ListSink): Promise<void> {
  const stored = storedListOf(source);
  if (stored !== undefined) await fromStorage(copyList(deps, stored, list));
}

async function copyList({ inputs, signal }: RetryDeps, stored: StoredList, list: ListSink): Promise<void> {
  const stream = await inputs.open(stored);
  if (stream === undefined) throw new StorageError('notFound', `${stored.object} is missing`);
  for await (const entries of entriesIn(stored.object, stream.bytes)) {
    throwIfGivenUp(signal);
    for (const entry of entries) list.add(entry);
    await list.flush();
  }
}

/** The entries of a list that the service itself has stored under this name, as many at a time as come. */
async function* entriesIn(name: string, bytes: AsyncIterable<Uint8Array>): AsyncGenerator<FileEntry[]> {
  const decoder = new TextDecoder();
  let begun = '';
  for await (const piece of bytes) {
    const text = begun + decoder.decode(piece, { stream: true });
    const end = text.lastIndexOf('\n') + 1;
    yield fromLines<FileEntry>(name, text.slice(0, end));
    begun = text.slice(end);
  }
  if (begun !== '') yield fromLines<FileEntry>(name, begun);
}

function throwIfGivenUp(signal: AbortSignal): void {
  if (signal.aborted) throw new RequestGivenUpError('nobody waits for the retry any more');
}

function optionsOf({ options }: JobRecord) {
  return { ...DEFAULT_OPTIONS, ...options };
}

function toEntry({
  sourceCollectionId,
  destinationCollectionId,
  fileName,
  destinationFileName,
}: FileRecord): FileEntry {
  return { sourceCollectionId, destinationCollectionId, fileName, destinationFileName };
}
