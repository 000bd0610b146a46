import { Context } from '@temporalio/activity';
import type { FileOutcome } from '../../contract/file-outcome.ts';
import { findOwnCopy, type CopyFileTask } from './copy-file.ts';
import type { ActivityDependencies } from '../dependencies.ts';
import { toFailure } from '../failures.ts';

/**
 * Looks whether a file was copied after all, where no attempt lived to say so. Undefined results in `null`: nothing of
 * this job is at the destination.
 */
export async function findCopy({ storage }: ActivityDependencies, task: CopyFileTask): Promise<FileOutcome | null> {
  try {
    const own = await findOwnCopy(storage, task);
    return own === undefined ? null : { ...own.outcome, retryCount: Context.current().info.attempt - 1 };
  } catch (error) {
    throw toFailure(error);
  }
}
