import { ActivityFailure } from '@temporalio/workflow';
import type { ChunkOutcome } from '../activities/index.ts';
import { bulk } from './activity-options.ts';
import type { BulkBook } from './bulk-book.ts';
import type { ChunkPass } from './chunk-queue.ts';
import { passSummary, reasonOf, taskOf, type BulkJob } from './chunk-tasks.ts';
import { showProgress } from './visibility.ts';

/**
 * Finds out what became of the files of a pass that nobody can say of what it did. A result of it that is found stored
 * tells of some of them only: the others are looked at as a further part. What cannot be told counts as not copied.
 */
export async function settlePass(book: BulkBook, job: BulkJob, uncertain: ChunkPass): Promise<void> {
  for (let pass: ChunkPass | undefined = uncertain; pass !== undefined;) {
    const task = { ...taskOf(job, book.collections, pass), settle: true };
    let outcome: ChunkOutcome;
    try {
      outcome = await bulk(`look at ${passSummary(pass)}`).copyChunk(task);
    } catch (error) {
      if (!(error instanceof ActivityFailure)) throw error;
      book.lose(reasonOf(error));
      return;
    }
    const { counts, leftovers } = outcome;
    book.underWay.delete(uncertain);
    book.settle(counts);
    showProgress(book);
    pass = leftovers.length === 0 ? undefined : { ...pass, part: pass.part + 1, only: leftovers };
  }
}
