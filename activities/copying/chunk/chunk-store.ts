import type { FileRecord } from '../../../contract/messages.ts';
import { countResults, type JobChunkStore, type PlannedFile } from '../../../storage/job-chunks.ts';
import { failure, toControlFailure } from '../../failures.ts';
import type { ChunkOutcome, CopyChunkTask } from './chunk-task.ts';

/** The files of the plan that a task means, in the order in which it names them. Throws ApplicationFailure. */
export async function readFiles(chunks: JobChunkStore, task: CopyChunkTask): Promise<readonly PlannedFile[]> {
  const { correlationId, chunk, only, planGeneration } = task;
  let planned: readonly PlannedFile[] | undefined;
  try {
    planned = await chunks.readPlan(correlationId, chunk, planGeneration);
  } catch (error) {
    throw toControlFailure(error);
  }
  if (planned === undefined) throw failure('INTERNAL_ERROR', `chunk ${chunk} was not planned`);
  if (only === undefined) return planned;
  const byIndex = new Map(planned.map((file) => [file.index, file]));
  return only.flatMap((index) => byIndex.get(index) ?? []);
}

/**
 * What another attempt stored under this task's part; undefined where none came so far. Of what it left over nobody knows
 * what it had sent. Throws ApplicationFailure.
 */
export async function readOutcome(
  chunks: JobChunkStore,
  { correlationId, chunk, part }: CopyChunkTask,
  planned: readonly PlannedFile[],
): Promise<ChunkOutcome | undefined> {
  try {
    const stored = await chunks.readResults(correlationId, chunk, part);
    if (stored === undefined) return undefined;
    const outcome = toOutcome(stored, planned);
    return outcome.leftovers.length === 0 ? outcome : { ...outcome, isAnothers: true };
  } catch (error) {
    throw toControlFailure(error);
  }
}

/**
 * Stores what became of files: even nothing, so that an attempt that comes late cannot. Gives what another attempt
 * stored, where there is one. Throws ApplicationFailure.
 */
export async function storeOutcome(
  chunks: JobChunkStore,
  task: CopyChunkTask,
  planned: readonly PlannedFile[],
  ended: readonly FileRecord[],
): Promise<ChunkOutcome> {
  try {
    if (await chunks.writeResults(task.correlationId, task.chunk, task.part, ended)) return toOutcome(ended, planned);
  } catch (error) {
    throw toControlFailure(error);
  }
  const stored = await readOutcome(chunks, task, planned);
  if (stored === undefined) throw failure('STORAGE_UNAVAILABLE', 'the results of a chunk are there, and are not');
  return stored;
}

function toOutcome(ended: readonly FileRecord[], planned: readonly PlannedFile[]): ChunkOutcome {
  const counts = countResults(ended);
  if (ended.length === planned.length) return { counts, leftovers: [], reason: '' };
  const indices = new Set(ended.map(({ index }) => index));
  const leftovers = planned.map(({ index }) => index).filter((index) => !indices.has(index));
  return { counts, leftovers, reason: '' };
}
