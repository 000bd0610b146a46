import { CONTROL_BUCKET } from '../../dev/stack.ts';
import type { ChaosStorage } from '../storage/storage.ts';
import { CALLERS, DESTINATION_BUCKET, DESTINATIONS, prefixOf, SOURCE_BUCKET, type JobPlan } from './plan.ts';

interface Document {
  collectionId: string;
  bucket: string;
  prefix: string;
  owners: readonly string[];
}

function putCollection(storage: ChaosStorage, { collectionId, bucket, prefix, owners }: Document): void {
  const acl = { owner: owners, admin: [], readwrite: [], readonly: [] };
  const document = { collectionId, collectionName: collectionId, bucket, prefix, acl };
  storage.put(CONTROL_BUCKET, `collections/${collectionId}.json`, JSON.stringify(document));
}

/** Makes the collections that all jobs copy to. */
export function putDestinations(storage: ChaosStorage): void {
  for (const { collectionId, prefix, isOpen } of DESTINATIONS) {
    putCollection(storage, { collectionId, bucket: DESTINATION_BUCKET, prefix, owners: isOpen ? CALLERS : [] });
  }
}

/** Makes what a job copies from. */
export function putSources(storage: ChaosStorage, plan: JobPlan): void {
  const { number, sourceCollectionId: collectionId, files, caller } = plan;
  putCollection(storage, { collectionId, bucket: SOURCE_BUCKET, prefix: `src/${number}/`, owners: [caller] });
  for (const { from, content } of files) {
    if (content !== undefined) storage.put(SOURCE_BUCKET, from.slice(SOURCE_BUCKET.length + 1), content);
  }
  if (plan.kind !== 'manifest') return;
  const list = manifestOf(plan).endsWith('.csv') ? csv(entriesOf(plan)) : ndjson(entriesOf(plan));
  storage.put(SOURCE_BUCKET, `src/${number}/${manifestOf(plan)}`, list);
}

/** The body that a job is posted with. */
export function requestOf(plan: JobPlan): unknown {
  const { sourceCollectionId, options, files } = plan;
  switch (plan.kind) {
    case 'list':
      return { copyFileCollectionData: entriesOf(plan), options };
    case 'manifest':
      return { manifest: { collectionId: sourceCollectionId, fileName: manifestOf(plan) }, options };
    case 'prefix': {
      const destinationCollectionId = files[0]?.entry.destinationCollectionId;
      return { collection: { sourceCollectionId, destinationCollectionId, prefix: prefixOf(plan) }, options };
    }
  }
}

type Entry = Record<string, string>;

function entriesOf({ sourceCollectionId, files }: JobPlan): Entry[] {
  return files.map(({ entry }) => ({ sourceCollectionId, ...entry }));
}

function manifestOf({ number }: JobPlan): string {
  return number % 2 === 0 ? 'manifest.ndjson' : 'manifest.csv';
}

function ndjson(entries: readonly Entry[]): string {
  return entries.map((entry) => `${JSON.stringify(entry)}\n`).join('');
}

/** None of the names has a comma or a quote. */
function csv(entries: readonly Entry[]): string {
  const columns = Object.keys(entries[0] ?? {});
  return [columns, ...entries.map((entry) => columns.map((column) => entry[column]))]
    .map((cells) => `${cells.join(',')}\n`)
    .join('');
}
