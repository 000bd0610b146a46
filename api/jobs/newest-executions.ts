import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import { DEADLINES, within } from './deadlines.ts';
import type { JobCursor } from './job-service.ts';
import { queryTime } from './visibility-query.ts';

/** Executions that are fetched and sorted at once; one page of Temporal's own. */
const MAX_WINDOW = 1_000;

/** The first stretch of time that is looked at, in microseconds: a minute. Each further one is twice as long. */
const FIRST_STRETCH = 60_000_000;

/** Where a workflow stands among the others of a list. */
export interface Execution extends JobCursor {
  info: WorkflowExecutionInfo;
}

export interface NewestExecutions {
  executions: Execution[];
  next: JobCursor | null;
}

/**
 * The executions that match a query, newest first, a page at a time. Temporal's SQL stores know no other order than
 * their own (what runs first, then by end), and refuse ORDER BY. So what is fetched is a stretch of start times, found by
 * counting, that has a page in it but not much more, and the sorting is done here.
 */
export class ExecutionList {
  readonly #client: Client;
  readonly #query: string;
  readonly #maxWindow: number;

  constructor(client: Client, query: string, maxWindow = MAX_WINDOW) {
    this.#client = client;
    this.#query = query;
    this.#maxWindow = maxWindow;
  }

  /** How many match, of those that started in this stretch of time. */
  async count(stretch = ''): Promise<number> {
    const { count } = await within(this.#client, DEADLINES.visibility, () =>
      this.#client.workflow.count(this.#query + stretch),
    );
    return count;
  }

  /** A page behind `after`; `now` in milliseconds since the epoch, about. */
  async page(limit: number, after: JobCursor | undefined, now: number): Promise<NewestExecutions> {
    // Two may have started in the same microsecond: the cursor's own is looked at again.
    const end = after && after.startedAt + 1;
    const from = await this.#startOfPage(limit, end, end ?? now * 1_000);
    const found = await this.#fetch(from, end);
    const rest = found.filter((execution) => after === undefined || byAge(after, execution) < 0);
    const executions = rest.slice(0, limit);
    const last = executions.at(-1);
    if (rest.length > limit && last !== undefined) return { executions, next: last };
    if (from === undefined || (await this.count(range(0, from))) === 0) return { executions, next: null };
    return { executions, next: last ?? { startedAt: from, correlationId: '' } };
  }

  /** Since when a page's worth has started, looking back from `start`; undefined: all there is before `end` is few enough. */
  async #startOfPage(limit: number, end: number | undefined, start: number): Promise<number | undefined> {
    if ((await this.count(range(0, end))) <= this.#maxWindow) return undefined;
    let near = start;
    let stretch = FIRST_STRETCH;
    let far = start - stretch;
    let found: number;
    // One more than a page: the cursor's own.
    while ((found = await this.count(range(far, end))) <= limit && far > 0) {
      near = far;
      stretch *= 2;
      far = Math.max(0, start - stretch);
    }
    // Many started in the last stretch: where in it?
    while (found > Math.max(this.#maxWindow, limit + 1) && near - far > 1) {
      const middle = Math.floor((near + far) / 2);
      const foundSince = await this.count(range(middle, end));
      if (foundSince > limit) [far, found] = [middle, foundSince];
      else near = middle;
    }
    return far;
  }

  async #fetch(from: number | undefined, end: number | undefined): Promise<Execution[]> {
    const query = this.#query + range(from ?? 0, end);
    const found = await within(this.#client, DEADLINES.visibility, () =>
      Array.fromAsync(this.#client.workflow.list({ query, pageSize: MAX_WINDOW })),
    );
    return found.map((info) => ({ info, correlationId: info.workflowId, startedAt: microseconds(info) })).sort(byAge);
  }
}

/** A stretch of start times, in microseconds; without an end up to the newest, whatever this machine's clock says. */
function range(from: number, end: number | undefined): string {
  const start = ` AND StartTime >= ${queryTime(from)}`;
  return end === undefined ? start : `${start} AND StartTime < ${queryTime(end)}`;
}

/** Newest first; of those that started in the same microsecond, by id. */
function byAge(one: JobCursor, other: JobCursor): number {
  if (one.startedAt !== other.startedAt) return other.startedAt - one.startedAt;
  return one.correlationId < other.correlationId ? -1 : one.correlationId > other.correlationId ? 1 : 0;
}

function microseconds({ raw, startTime }: WorkflowExecutionInfo): number {
  const nanos = raw.startTime?.nanos ?? 0;
  return Math.floor(startTime.getTime() / 1_000) * 1_000_000 + Math.floor(nanos / 1_000);
}
