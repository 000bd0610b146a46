import { setTimeout } from 'node:timers/promises';
import {
  hasList,
  type BulkSource,
  type CollectionLocation,
  type CollectionSource,
  type CopyOptions,
} from '../../contract/messages.ts';
import { compareNames } from '../../storage/name-order.ts';
import { toObjectInfo, type ListedPage } from '../../storage/objects.ts';
import { seenKey, type SeenDestinations } from '../copying/chunk/look-up.ts';
import type { Claim } from '../record/claim-job.ts';
import type { ActivityDependencies } from '../dependencies.ts';
import { listFirstPage, planListing, type ListingPlan } from '../planning/plan-listing.ts';
import { placesOf } from '../planning/listing-places.ts';

/** A caller waits for the decision: a listing that takes longer is left to planning, in milliseconds. */
const LIST_FIRST_MS = 1_000;

interface FirstFilesTask {
  correlationId: string;
  source: BulkSource;
  options: Pick<CopyOptions, 'overwrite'>;
  /** Both collections, as access was decided. */
  collections: readonly CollectionLocation[];
  /** Of the correlation id; what that fails with is dealt with by who made it. */
  claiming: Promise<Pick<Claim, 'claimed'>>;
  /** Whether no attempt before has planned them, or this one is to give up. */
  isFirst: boolean;
}

/** What admission has found out about the first files under a prefix. */
export interface FirstFiles {
  plan: ListingPlan;
  /** What is at their destinations; undefined: that is not known of all of them. */
  seen: Seen | undefined;
  seenKey: string;
}

type Seen = Omit<SeenDestinations, 'stoodAt'>;

/**
 * Plans the first files under a prefix, once the correlation id is the job's: the plan of another one is left alone.
 * Undefined for a list, where one goes before the listing, and where nothing can be listed: planning meets that again, and tells.
 */
export async function planFirst(
  deps: ActivityDependencies,
  { correlationId, source, options, collections, claiming, isFirst }: FirstFilesTask,
): Promise<FirstFiles | undefined> {
  if (source.kind !== 'collection' || hasList(source)) return undefined;
  const [claim, page, destinations] = await Promise.all([
    claiming.catch(() => undefined),
    within(LIST_FIRST_MS, listFirstPage(deps, source, collections)),
    // Before the lock is held another job may be writing there. A pin shows that; what is not written has none.
    options.overwrite === 'always' ? within(LIST_FIRST_MS, seeDestinations(deps, source, collections)) : undefined,
  ]);
  if (claim?.claimed !== true || page === undefined) return undefined;
  const task = { correlationId, source, collections, cursor: null, maxChunks: 1 };
  const plan = await planListing(deps, task, { firstPage: page, isFirst });
  const generation = plan.chunks[0]?.generation;
  const seen = destinations?.tellsOf(page) === true ? destinations : undefined;
  return { plan, seen, seenKey: seenKey(correlationId, 0, generation) };
}

/** What there is at the first destinations under a prefix, and of which files that is all there is. */
async function seeDestinations(
  { storage: { objects } }: ActivityDependencies,
  source: CollectionSource,
  collections: readonly CollectionLocation[],
): Promise<(Seen & { tellsOf(page: ListedPage): boolean }) | undefined> {
  const { from, to } = placesOf(source, collections);
  const { bucket } = to.range;
  const listed = await objects.listPage(to.range);
  if (listed === undefined) return undefined;
  const infos = listed.resources.map((resource) => toObjectInfo(resource, { bucket }));
  const last = infos.at(-1)?.name;
  return {
    found: new Map([[bucket, new Map(infos.map((info) => [info.name, info]))]]),
    at: performance.now(),
    tellsOf({ resources }) {
      if (listed.isLast || last === undefined) return true;
      const lastFile = (resources.at(-1)?.name ?? '').slice(from.collection.prefix.length);
      return compareNames(to.collection.prefix + lastFile, last) <= 0;
    },
  };
}

/** What a request gives; undefined where it fails, or takes longer than so many milliseconds. */
async function within<T>(ms: number, request: Promise<T>): Promise<T | undefined> {
  const limit = new AbortController();
  const late = setTimeout(ms, undefined, { signal: limit.signal });
  try {
    return await Promise.race([request.catch(() => undefined), late.catch(() => undefined)]);
  } finally {
    limit.abort();
  }
}
