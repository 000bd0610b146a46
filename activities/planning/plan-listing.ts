import { ApplicationFailure, Context } from '@temporalio/activity';
import { fileNameProblem, objectNameProblem } from '../../contract/file-name.ts';
import type { CollectionLocation, CollectionSource } from '../../contract/messages.ts';
import { reason } from '../../contract/reasons.ts';
import type { PlannedFile } from '../../storage/job-chunks.ts';
import type { ListedPage, ObjectResource } from '../../storage/objects.ts';
import { unlessAborted } from '../concurrency.ts';
import type { ActivityDependencies } from '../dependencies.ts';
import { toControlFailure } from '../failures.ts';
import { anotherHasBegun } from '../locks/first-attempt.ts';
import { Lease } from '../locks/lease.ts';
import { placesOf, startOf } from './listing-places.ts';
import { SourceListing, type ListingPosition } from './source-listing.ts';
import { TaskWindow } from './task-window.ts';

/** Where planning goes on. */
export interface ListingCursor extends ListingPosition {
  nextChunk: number;
  nextIndex: number;
}

export interface PlanListingTask {
  correlationId: string;
  source: CollectionSource;
  /** Both collections, as they were when access was decided. */
  collections: readonly CollectionLocation[];
  /** Null: from the beginning. */
  cursor: ListingCursor | null;
  /** Chunks to plan at most. */
  maxChunks: number;
}

export interface ListingPlan {
  chunks: { chunk: number; count: number; generation?: string }[];
  /** Null: all is planned. */
  cursor: ListingCursor | null;
}

/** Chunks on their way to storage while the next page is asked for. */
const WRITES_IN_FLIGHT = 2;

/**
 * Plans the files of a collection under a prefix: each page of the listing becomes a chunk, its files pinned at the
 * generations listed. To be called with the cursor it gave, until there is none. Called with the same one again, it
 * plans the same chunks again, with what is in the collection by then. Of what another job has left, it plans what that
 * one has not listed. Cancelled, it waits for no page and gives what it has planned. `firstPage`: what is there, where that
 * has been listed already. With `isFirst` it gives up for good where another attempt has planned any of it.
 */
export async function planListing(
  { storage }: ActivityDependencies,
  { correlationId, source, collections, cursor, maxChunks }: PlanListingTask,
  { firstPage, isFirst = false }: { firstPage?: ListedPage; isFirst?: boolean } = {},
): Promise<ListingPlan> {
  const context = Context.current();
  using lease = new Lease(context);
  const check = () => {
    // What was begun is finished though the job is cancelled, so that what is told is what there is.
    lease.isCancelled();
  };
  await using writes = new TaskWindow(WRITES_IN_FLIGHT);
  const { from, to } = placesOf(source, collections);
  const listing = new SourceListing(storage.objects, from.range, cursor ?? startOf(source, from.collection));
  const chunks: ListingPlan['chunks'] = [];
  let { nextChunk, nextIndex } = cursor ?? { nextChunk: 0, nextIndex: 0 };
  let known = firstPage;
  while (!listing.isAll && chunks.length < maxChunks && !lease.isCancelled()) {
    let page: ListedPage | undefined;
    try {
      page = known ?? (await unlessAborted(context.cancellationSignal, listing.read()));
    } catch (error) {
      // What is planned by then is told of, and copied; going on from there meets the same again.
      if (chunks.length > 0 && error instanceof ApplicationFailure && error.nonRetryable === true) break;
      throw error;
    }
    known = undefined;
    if (page === undefined) continue;
    // What is called as the collection's prefix would be a file without a name.
    const listed = listing.take(page).filter(({ name }) => name !== from.collection.prefix);
    if (listed.length === 0) continue;
    const firstIndex = nextIndex;
    const files = listed.map((resource, position) =>
      planFile(resource, firstIndex + position, from.collection, to.collection),
    );
    const planned: ListingPlan['chunks'][number] = { chunk: nextChunk, count: files.length };
    const isLast = listing.isAll;
    await writes.start(async () => {
      const options = { check, isLast, createOnly: isFirst };
      const generation = await controlled(storage.chunks.writePlan(correlationId, planned.chunk, files, options));
      if (generation === undefined) throw anotherHasBegun();
      planned.generation = generation;
    });
    chunks.push(planned);
    nextChunk += 1;
    nextIndex += files.length;
  }
  // Chunks that an attempt has left for which the collection was larger.
  if (listing.isAll && !isFirst)
    await writes.start(() => controlled(storage.chunks.trimPlan(correlationId, nextChunk, check)));
  await writes.settle();
  return { chunks, cursor: listing.isAll ? null : { ...listing.position, nextChunk, nextIndex } };
}

/** The first of what is in a collection under a prefix; undefined where that is no chunk yet. */
export async function listFirstPage(
  { storage }: ActivityDependencies,
  source: CollectionSource,
  collections: readonly CollectionLocation[],
): Promise<ListedPage | undefined> {
  const { from } = placesOf(source, collections);
  const page = await new SourceListing(storage.objects, from.range, startOf(source, from.collection)).read();
  // One of them may be what is called as the collection's prefix, or what was listed last.
  return page.isLast || page.resources.length > 1 ? page : undefined;
}

async function controlled<T>(request: Promise<T>): Promise<T> {
  try {
    return await request;
  } catch (error) {
    throw toControlFailure(error);
  }
}

function planFile(
  { name = '', generation = '', size = 0, crc32c }: ObjectResource,
  index: number,
  from: CollectionLocation,
  to: CollectionLocation,
): PlannedFile {
  const fileName = name.slice(from.prefix.length);
  const problem = fileNameProblem(fileName) ?? objectNameProblem(to.prefix, fileName);
  return {
    sourceCollectionId: from.collectionId,
    destinationCollectionId: to.collectionId,
    fileName,
    destinationFileName: fileName,
    index,
    source: { generation: String(generation), size: Number(size), ...(crc32c !== undefined && { crc32c }) },
    ...(problem !== undefined && { problem: reason('INVALID_REQUEST', `the file name ${problem}`) }),
  };
}
