import { Context } from '@temporalio/activity';
import { CHUNK_FILES, MAX_LISTED_COLLECTIONS } from '../../contract/limits.ts';
import { objectIn } from '../../contract/locate.ts';
import type {
  BulkSource,
  CollectionLocation,
  FileEntry,
  JobOwner,
  Refusal,
  Requestor,
} from '../../contract/messages.ts';
import type { EntryLine } from '../../manifests/file-entry.ts';
import { ManifestError } from '../../manifests/manifest-error.ts';
import type { PrefixRef } from '../../storage/lock-targets.ts';
import { CollectionAccess, deniedMessage, type Denied } from '../access/collection-access.ts';
import { LIST_FIELD } from '../access/entry-mistakes.ts';
import { Pieces, unlessAborted } from '../concurrency.ts';
import type { ActivityDependencies } from '../dependencies.ts';
import { failure } from '../failures.ts';
import { Lease } from '../locks/lease.ts';
import { CommonPrefixes } from './common-prefixes.ts';
import { ManifestRules, RequestRules, type ListRules } from './list-rules.ts';
import { openManifest, openStoredList } from './open-list.ts';
import { PlanWriter } from './plan-writer.ts';

export interface PlanListTask {
  owner: JobOwner;
  requestor: Requestor;
  source: Extract<BulkSource, { kind: 'stored' | 'manifest' }>;
}

export interface GrantedPlan {
  granted: true;
  /** The collections of all files that can be copied. */
  collections: CollectionLocation[];
  /** Chunks of the plan; they are numbered from 0. */
  chunks: number;
  /** Files in them, those that cannot be copied included. */
  requested: number;
  /** What all destinations are under. */
  prefixes: PrefixRef[];
  /** What all sources are under. */
  sources: PrefixRef[];
}

export type ListPlan = GrantedPlan | { granted: false; admission: Refusal };

/** Lines between two looks whether others are to have their turn. */
const LINES_A_LOOK = 100;

/** Thrown on the way where the whole request is refused. */
class RefusalError extends Error {
  readonly admission: Refusal;

  constructor(admission: Refusal) {
    super(`refused as ${admission.decision}`);
    this.admission = admission;
  }
}

/**
 * Plans a list of files in one pass, as it streams: decides access as collections are first named, judges the files
 * once they are located, and writes them in chunks, in their order. In a manifest, files that are wrong are planned with
 * their problem; in a list that came with the request they refuse it. Another attempt starts over and writes the same.
 * Throws a CancelledFailure where the job asks to stop: it waits for no further line, and writes no further chunk.
 */
export async function planList(deps: ActivityDependencies, task: PlanListTask): Promise<ListPlan> {
  const context = Context.current();
  using lease = new Lease(context);
  await using writer = new PlanWriter(deps.storage.chunks, task.owner.correlationId, lease);
  try {
    const reading = new ListPlanning(deps, task, writer, lease).run();
    const plan = await unlessAborted(context.cancellationSignal, reading);
    if (plan !== undefined) return plan;
    // What is left of the reading ends with its next thousand lines, or with the request it waits for.
    lease.check();
    throw failure('WORKER_LOST', 'the attempt is over');
  } catch (error) {
    const admission = refusalIn(error, task);
    if (admission === undefined) throw error;
    await writer.discard();
    return { granted: false, admission };
  }
}

function refusalIn(error: unknown, { source }: PlanListTask): Refusal | undefined {
  if (error instanceof RefusalError) return error.admission;
  if (!(error instanceof ManifestError)) return undefined;
  return { decision: 'invalid', errors: [{ path: listPath(source), message: error.message }] };
}

function listPath({ kind }: PlanListTask['source']): string {
  return kind === 'manifest' ? 'manifest.fileName' : LIST_FIELD;
}

/** One attempt at a plan. */
class ListPlanning {
  readonly #deps: ActivityDependencies;
  readonly #task: PlanListTask;
  readonly #writer: PlanWriter;
  readonly #lease: Lease;
  readonly #access: CollectionAccess;
  /** By id, those that files are copied from and to. */
  readonly #used = new Map<string, CollectionLocation>();
  readonly #sources = new CommonPrefixes();
  readonly #destinations = new CommonPrefixes();

  constructor(deps: ActivityDependencies, task: PlanListTask, writer: PlanWriter, lease: Lease) {
    this.#deps = deps;
    this.#task = task;
    this.#writer = writer;
    this.#lease = lease;
    this.#access = new CollectionAccess(deps.storage.collections, task.requestor);
  }

  async run(): Promise<GrantedPlan> {
    const { lines, rules } = await this.#open();
    const pieces = new Pieces();
    let requested = 0;
    for await (const line of lines) {
      if (line.problem === undefined) await this.#admit(line);
      else await this.#checkNamed(line);
      const problem = rules.judge(line);
      requested += 1;
      if (requested % LINES_A_LOOK === 0) await pieces.pause();
      if (requested % CHUNK_FILES === 0) this.#lease.check();
      // What is refused in the end need not be planned; access is decided for all of it.
      if (rules.isRefusing) continue;
      if (problem === undefined) this.#noteNames(line.entry);
      if (this.#writer.add(problem === undefined ? line.entry : { ...line.entry, problem })) await this.#flush();
    }
    const errors = rules.errors();
    if (errors.length > 0) throw new RefusalError({ decision: 'invalid', errors });
    return {
      granted: true,
      chunks: await this.#writer.finish(),
      requested,
      collections: [...this.#used.values()],
      prefixes: this.#destinations.prefixes(),
      sources: this.#sources.prefixes(),
    };
  }

  async #open(): Promise<{ lines: AsyncIterable<EntryLine>; rules: ListRules }> {
    const { storage } = this.#deps;
    const { source } = this.#task;
    if (source.kind === 'stored') {
      return { lines: openStoredList(storage.inputs, source), rules: new RequestRules(this.#used) };
    }
    const { collectionId, fileName } = source;
    await this.#access.lookUp([collectionId]);
    this.#forbid(this.#access.denied(collectionId, 'readonly'));
    const place = this.#place(collectionId);
    const rules = new ManifestRules(this.#used, objectIn(place, fileName));
    return { lines: openManifest(storage.objects, source, place), rules };
  }

  /** Decides access where an entry names a collection for the first time. */
  async #admit({ entry, line }: EntryLine): Promise<void> {
    if (this.#access.isGranted(entry) && this.#isUsed(entry)) return;
    const { sourceCollectionId, destinationCollectionId } = entry;
    await this.#access.lookUp([sourceCollectionId, destinationCollectionId]);
    this.#forbid(this.#access.deniedIn(entry), line);
    for (const id of [sourceCollectionId, destinationCollectionId]) this.#used.set(id, this.#place(id));
    if (this.#used.size <= MAX_LISTED_COLLECTIONS) return;
    const message = `names more than ${MAX_LISTED_COLLECTIONS} collections`;
    throw new RefusalError({ decision: 'invalid', errors: [{ path: listPath(this.#task.source), message }] });
  }

  /** A line that is wrong in itself, too, is not to name a collection that the caller may not use. */
  async #checkNamed({ named = {}, line }: EntryLine): Promise<void> {
    await this.#access.lookUp(Object.values(named));
    this.#forbid(this.#access.deniedIn(named), line);
  }

  #isUsed({ sourceCollectionId, destinationCollectionId }: FileEntry): boolean {
    return this.#used.has(sourceCollectionId) && this.#used.has(destinationCollectionId);
  }

  #forbid(denied: Denied | undefined, line?: number): void {
    if (denied === undefined) return;
    const { owner, requestor, source } = this.#task;
    const lineOfManifest = source.kind === 'manifest' ? line : undefined;
    this.#deps.log.warn({ correlationId: owner.correlationId, caller: requestor.caller, ...denied }, 'access denied');
    throw new RefusalError({ decision: 'forbidden', message: deniedMessage(denied, lineOfManifest) });
  }

  /** Where a collection is whose access is granted. */
  #place(collectionId: string): CollectionLocation {
    return this.#access.places.get(collectionId) as CollectionLocation;
  }

  #noteNames({ sourceCollectionId, destinationCollectionId, fileName, destinationFileName }: FileEntry): void {
    this.#sources.add(this.#place(sourceCollectionId), fileName);
    this.#destinations.add(this.#place(destinationCollectionId), destinationFileName);
  }

  async #flush(): Promise<void> {
    this.#lease.check();
    // Nothing to go on from: for those who look at the activity.
    this.#lease.note({ planned: this.#writer.files });
    await this.#writer.flush();
  }
}
