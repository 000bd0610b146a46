import { Context } from '@temporalio/activity';
import { completed, isOwnCopy, type CopyFileTask, type FileOutcome } from './copy-file.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { toFailure } from './failures.ts';

/**
 * Looks whether a file was copied after all, where no attempt lived to say so. Undefined results in `null`: nothing of
 * this job is at the destination.
 */
export async function findCopy(
  { storage }: ActivityDependencies,
  { source: sourceRef, destination, lock }: CopyFileTask,
): Promise<FileOutcome | null> {
  try {
    const [source, existing] = await Promise.all([storage.objects.stat(sourceRef), storage.objects.stat(destination)]);
    if (existing === undefined || !isOwnCopy(existing, source, lock)) return null;
    return { ...completed(existing, source), retryCount: Context.current().info.attempt - 1 };
  } catch (error) {
    throw toFailure(error);
  }
}
