import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import type { Logger } from '../../config/logger.ts';
import { parseCorrelationId } from '../../contract/ids.ts';
import type { JobStatus } from '../../contract/messages.ts';
import { isStorageError } from '../../storage/errors.ts';
import { mapConcurrently } from '../concurrency.ts';
import type { JobFinder } from './job-finder.ts';
import { ServiceUnavailableError, type JobCursor, type JobFilter, type JobList } from './job-service.ts';
import type { ListQueries } from './job-queries.ts';
import type { JobViews } from './job-views.ts';
import { ExecutionList, type NewestExecutions } from './newest-executions.ts';
import { jobsQuery } from './visibility-query.ts';

/** Jobs of a page whose state and counts are read at a time, each with a read of storage or a query. */
const JOBS_AT_A_TIME = 16;

/** Lists jobs: which there are by Temporal's visibility store, how they stand as everywhere else. */
export class JobLister {
  readonly #client: Client;
  readonly #finder: JobFinder;
  readonly #views: JobViews;
  readonly #log: Logger;

  constructor(client: Client, finder: JobFinder, views: JobViews, log: Logger) {
    this.#log = log;
    this.#client = client;
    this.#finder = finder;
    this.#views = views;
  }

  /** Throws ServiceUnavailableError. */
  async list(filter: JobFilter, { limit, after }: { limit: number; after?: JobCursor }): Promise<JobList> {
    const list = new ExecutionList(this.#client, jobsQuery(filter));
    let totalCount: number;
    let page: NewestExecutions;
    try {
      [totalCount, page] = await Promise.all([list.count(), list.page(limit, after, Date.now())]);
    } catch (error) {
      throw new ServiceUnavailableError('temporal', error);
    }
    const queries: ListQueries = { unanswered: 0 };
    const jobs = await mapConcurrently(page.executions, JOBS_AT_A_TIME, ({ info }) =>
      this.#status(info, filter, queries),
    );
    return { jobs: jobs.filter((job) => job !== undefined), totalCount, next: page.next };
  }

  /**
   * Undefined for what is no job of ours: started by hand under another name, or somebody else's after all; and for one
   * whose record is not kept any more, or cannot be read.
   */
  async #status(
    info: WorkflowExecutionInfo,
    { requestor }: JobFilter,
    queries: ListQueries,
  ): Promise<JobStatus | undefined> {
    const correlationId = parseCorrelationId(info.workflowId);
    if (correlationId === undefined) return undefined;
    const found = await this.#finder.fromList(correlationId, info).catch((error: unknown) => {
      // One record that somebody has spoilt is not to hide all other jobs.
      if (!(error instanceof ServiceUnavailableError && isStorageError(error.cause, 'malformed'))) throw error;
      this.#log.error({ err: error.cause, correlationId }, 'a record cannot be read: its job is left out of the list');
      return undefined;
    });
    if (found === undefined) return undefined;
    const caller = found.kind === 'ended' ? found.record.caller : found.memo.caller;
    if (requestor !== undefined && caller !== requestor) return undefined;
    return await this.#views.status(correlationId, found, queries);
  }
}
