import { DEFAULT_PAGE_LIMIT } from '../../contract/limits.ts';
import { invalidRequest } from '../http-error.ts';
import type { JobPage } from '../jobs/job-service.ts';
import type { Paging } from '../schemas/paging.ts';
import { decodeContinuationToken, encodeContinuationToken } from '../views/continuation-token.ts';

interface PageQuery {
  limit?: number | undefined;
  continuationToken?: string | undefined;
}

/** Where a page starts and how many files it has. Throws HttpError 400 where the token is not one of this job. */
export function pageBounds(correlationId: string, { limit, continuationToken }: PageQuery) {
  const from = continuationToken === undefined ? 0 : decodeContinuationToken(continuationToken, correlationId);
  if (from === undefined) {
    throw invalidRequest([{ path: 'continuationToken', message: 'must be the token of an earlier page of this job' }]);
  }
  return { from, limit: limit ?? DEFAULT_PAGE_LIMIT };
}

/** What stands beside a page's data. */
export function pagingOf({ job, totalCount, next }: JobPage): Paging {
  return {
    totalCount,
    continuationToken: next === null ? null : encodeContinuationToken(job.correlationId, next),
  };
}
