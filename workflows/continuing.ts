import { allHandlersFinished, condition, makeContinueAsNewFunc, workflowInfo } from '@temporalio/workflow';
import type { CopyFilesInput, CopyRequest, JobStatus } from '../contract/messages.ts';
import type { JobLife } from './job-life.ts';
import { showJob } from './visibility.ts';

/** Events after which a job continues as a new run where Temporal does not suggest it before; it allows 51,200. */
const LONG_HISTORY_EVENTS = { list: 10_000, bulk: 2_000 };

/** Whether the history of this run has grown so long that the job should continue as a new one. */
export function isLongHistory(kind: keyof typeof LONG_HISTORY_EVENTS): boolean {
  const { continueAsNewSuggested, historyLength } = workflowInfo();
  return continueAsNewSuggested || historyLength > LONG_HISTORY_EVENTS[kind];
}

/** The signature of the workflow that a job continues as. */
type Continued = (input: CopyFilesInput<CopyRequest>, carried: object) => Promise<JobStatus>;

/** What a job has come to. Whoever waits for its decision is answered before. */
export async function ended(book: JobLife): Promise<JobStatus> {
  showJob(book);
  await handlersFinished();
  return book.status();
}

/** Continues as a new run of the same workflow, with what it takes along. Never returns. */
export async function continueJob(input: CopyFilesInput<CopyRequest>, carried: object): Promise<never> {
  await handlersFinished();
  const { memo, typedSearchAttributes } = workflowInfo();
  const options = { typedSearchAttributes, ...(memo && { memo }) };
  return await makeContinueAsNewFunc<Continued>(options)(input, carried);
}

/** A condition costs something even where it holds already. */
async function handlersFinished(): Promise<void> {
  if (!allHandlersFinished()) await condition(allHandlersFinished);
}
