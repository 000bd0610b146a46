import { CancellationScope, defineQuery, defineSignal, defineUpdate, setHandler } from '@temporalio/workflow';
import {
  ADMIT_UPDATE,
  CANCEL_SIGNAL,
  FILES_QUERY,
  PAUSE_SIGNAL,
  RESUME_SIGNAL,
  STATUS_QUERY,
} from '../contract/ids.ts';
import type { AdmissionOutcome, FilesPage, FilesQuery, LiveStatus } from '../contract/messages.ts';
import type { CopyGate } from './copy-gate.ts';
import type { JobLife } from './job-life.ts';
import { showJob } from './visibility.ts';

/** A job that tells of its files, a page at a time. */
interface FilesView {
  page(query: FilesQuery): FilesPage;
}

/**
 * Binds the job to what can be asked of it: update `admit`, signals `cancel`, `pause` and `resume`, the queries, and
 * native cancellation, which is the same as `cancel`. A signal that changes nothing is ignored.
 */
export function listen(book: JobLife & FilesView, gate: CopyGate): void {
  const cancel = () => {
    if (!book.startCancelling()) return;
    gate.close();
    showJob(book);
  };
  // A promise, not a condition: a workflow that is cancelled is decided all the same.
  setHandler(defineUpdate<AdmissionOutcome>(ADMIT_UPDATE), () => book.decided);
  setHandler(defineSignal(CANCEL_SIGNAL), cancel);
  setHandler(defineSignal(PAUSE_SIGNAL), () => {
    if (!book.pause()) return;
    gate.close();
    showJob(book);
  });
  setHandler(defineSignal(RESUME_SIGNAL), () => {
    if (!book.resume()) return;
    gate.open();
    showJob(book);
  });
  setHandler(defineQuery<LiveStatus>(STATUS_QUERY), () => book.live());
  setHandler(defineQuery<FilesPage, [FilesQuery]>(FILES_QUERY), (query) => book.page(query));
  // Rejects when Temporal is asked to cancel the workflow, and then only.
  CancellationScope.current().cancelRequested.catch(cancel);
}
