/** The names under which client, worker and operators find each other. */

/** Workflow type of a copy job; its workflow id is the correlation id. */
export const COPY_WORKFLOW = 'copyFiles';

export const DEFAULT_TASK_QUEUE = 'apollo-copy';

/** The task queue of the long activities of bulk jobs: they take none of the slots that short jobs wait for. */
export function bulkTaskQueue(taskQueue: string): string {
  return `${taskQueue}-bulk`;
}

/**
 * The task queue of the activities that work on locks, results and records, and look at what is there: short ones, which
 * jobs need to be decided, to go on and to end. Copies that take hours take none of their slots.
 */
export function controlTaskQueue(taskQueue: string): string {
  return `${taskQueue}-control`;
}

/** Update that waits for the admission's outcome. */
export const ADMIT_UPDATE = 'admit';

/** One fixed update id per workflow: a repeated POST is answered with the stored outcome. */
export const ADMIT_UPDATE_ID = 'admit';

/** Signal that ends a job early; a native cancellation request does the same. */
export const CANCEL_SIGNAL = 'cancel';

/** Signal that stops copying and keeps the locks; `resume` goes on from what is done. */
export const PAUSE_SIGNAL = 'pause';

/** Signal that ends a pause. */
export const RESUME_SIGNAL = 'resume';

/** Query: state and counts of the job. */
export const STATUS_QUERY = 'status';

/** Query: a page of the job's files. */
export const FILES_QUERY = 'files';

/** Activity id of one pass over a chunk of a bulk job. */
export function chunkPassId({ chunk, part }: { chunk: number; part: number }): string {
  return `chunk-${chunk}-${part}`;
}

/** Workflow type that settles a job which was ended by force; `reconcileId` makes its workflow id. */
export const RECONCILE_WORKFLOW = 'reconcile';
const RECONCILE_PREFIX = 'reconcile-';

export function reconcileId(correlationId: string): string {
  return `${RECONCILE_PREFIX}${correlationId}`;
}

/** The correlation id of the job that a workflow copies or settles; undefined: it is no job's. */
export function correlationIdOf(workflowId: string): string | undefined {
  const id = workflowId.startsWith(RECONCILE_PREFIX) ? workflowId.slice(RECONCILE_PREFIX.length) : workflowId;
  return parseCorrelationId(id) === id ? id : undefined;
}

/** Workflow type that removes what is not needed any more: old records, stale locks, orphaned input. */
export const SWEEP_WORKFLOW = 'sweep';

/** Temporal Schedule that starts the sweep, one for each task queue: its workers share a control bucket. */
export function sweepScheduleId(taskQueue: string): string {
  return `${taskQueue}-sweep`;
}

/** Workflow id of a sweep that is started by hand. */
export function sweepByHandId(taskQueue: string): string {
  return `${taskQueue}-sweep-by-hand`;
}

/** Search attributes (both Keyword) that the namespace has to know. */
export const SEARCH_ATTRIBUTES = { CopyRequestor: 'Keyword', CopyState: 'Keyword' } as const;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/**
 * The canonical (lower-case, RFC 9562 section 4) form of a correlation id, or undefined where the text is no UUID.
 */
export function parseCorrelationId(text: string): string | undefined {
  return UUID.test(text) ? text.toLowerCase() : undefined;
}
