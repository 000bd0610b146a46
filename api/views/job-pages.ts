import type { Logger } from '../../config/logger.ts';
import { MAX_PAGE_LIMIT } from '../../contract/limits.ts';
import type { JobPage, JobService, Viewer } from '../jobs/job-service.ts';

/** All files of a job: its first page, which tells whether there is anything to answer, and all of them one by one. */
export interface JobPages {
  first: JobPage;
  pages: AsyncIterable<JobPage>;
}

/**
 * Reads the first page of a job; each other one when it is asked for. An error on the way there is logged: the answer's
 * status is out already then, and breaking off is what tells the caller.
 */
export async function openJobPages(
  { jobs, log }: { jobs: JobService; log: Logger },
  correlationId: string,
  viewer: Viewer,
): Promise<JobPages> {
  const pageFrom = (from: number) => jobs.page(correlationId, viewer, { from, limit: MAX_PAGE_LIMIT });
  const first = await pageFrom(0);
  async function* pages() {
    yield first;
    for (let next = first.next; next !== null;) {
      const page = await pageFrom(next).catch((error: unknown) => {
        log.warn({ err: error, correlationId }, 'answer breaks off');
        throw error;
      });
      yield page;
      next = page.next;
    }
  }
  return { first, pages: pages() };
}
