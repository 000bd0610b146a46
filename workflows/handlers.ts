import {
  CancellationScope,
  condition,
  defineQuery,
  defineSignal,
  defineUpdate,
  setHandler,
} from '@temporalio/workflow';
import { ADMIT_UPDATE, CANCEL_SIGNAL, FILES_QUERY, STATUS_QUERY } from '../contract/ids.ts';
import type { AdmissionOutcome, FilesPage, FilesQuery, JobStatus } from '../contract/messages.ts';
import type { JobBook } from './job-book.ts';
import { showJob } from './visibility.ts';

/** Binds the job to what can be asked of it: update `admit`, signal `cancel`, queries, native cancellation. */
export function listen(book: JobBook, copying: CancellationScope): void {
  const cancel = () => {
    if (!book.startCancelling()) return;
    copying.cancel();
    showJob(book);
  };
  setHandler(defineUpdate<AdmissionOutcome>(ADMIT_UPDATE), async () => {
    await condition(() => book.outcome !== undefined);
    return book.outcome as AdmissionOutcome;
  });
  setHandler(defineSignal(CANCEL_SIGNAL), cancel);
  setHandler(defineQuery<JobStatus>(STATUS_QUERY), () => book.status());
  setHandler(defineQuery<FilesPage, [FilesQuery]>(FILES_QUERY), (query) => book.page(query));
  // Rejects when Temporal is asked to cancel the workflow, and then only.
  CancellationScope.current().cancelRequested.catch(cancel);
}
