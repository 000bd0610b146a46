import { Context } from '@temporalio/activity';
import { foretoldCopy, foretoldFailure, foretoldReplacement, foretoldSkip } from '../../contract/dry-run.ts';
import type { FileOutcome } from '../../contract/file-outcome.ts';
import type { Overwrite } from '../../contract/messages.ts';
import type { LocatedFile } from '../../contract/locate.ts';
import { StorageError } from '../../storage/errors.ts';
import type { StorageModule } from '../../storage/index.ts';
import type { ObjectInfo } from '../../storage/objects.ts';
import { mapConcurrently } from '../concurrency.ts';
import type { ActivityDependencies } from '../dependencies.ts';
import { refusalReason, toFailure } from '../failures.ts';
import { Lease } from '../locks/lease.ts';
import { isSameContent, type SourceState, type Outcome } from './file-outcome.ts';

export interface PreviewTask {
  files: LocatedFile[];
  overwrite: Overwrite;
}

const FILES_AT_A_TIME = 16;

/** Tells what copying these files would do, in their order: each is Skipped, with a sentence that says it. */
export async function previewFiles(
  { storage }: ActivityDependencies,
  { files, overwrite }: PreviewTask,
): Promise<FileOutcome[]> {
  using _lease = new Lease(Context.current());
  const outcomes: FileOutcome[] = [];
  try {
    await mapConcurrently(files, FILES_AT_A_TIME, async (file, index) => {
      outcomes[index] = await preview(storage, file, overwrite);
    });
  } catch (error) {
    throw toFailure(error);
  }
  return outcomes;
}

async function preview(storage: StorageModule, file: LocatedFile, overwrite: Overwrite): Promise<FileOutcome> {
  let source: ObjectInfo | undefined;
  let existing: ObjectInfo | undefined;
  try {
    [source, existing] = await Promise.all([storage.objects.stat(file.source), storage.objects.stat(file.destination)]);
  } catch (error) {
    if (!(error instanceof StorageError) || error.isTransient) throw error;
    return { ...foretold(foretoldFailure(refusalReason(error))), retryCount: 0 };
  }
  return { ...foretell(source, existing, overwrite), retryCount: 0 };
}

/** What copying would do, given what is there. */
export function foretell(
  source: SourceState | undefined,
  existing: ObjectInfo | undefined,
  overwrite: Overwrite,
): Outcome {
  if (source === undefined) return foretold(foretoldFailure('SOURCE_NOT_FOUND'));
  if (existing === undefined) return foretold(foretoldCopy(source.size), source);
  const message =
    overwrite === 'never'
      ? foretoldSkip('DESTINATION_EXISTS')
      : overwrite === 'ifDifferent' && isSameContent(existing, source)
        ? foretoldSkip('DESTINATION_UNCHANGED')
        : foretoldReplacement(source.size);
  return foretold(message, source, existing);
}

/** What becomes of a file of a dry run that says this. */
export function foretold(message: string, source?: SourceState, existing?: ObjectInfo): Outcome {
  return {
    state: 'Skipped',
    message,
    size: existing?.size ?? null,
    crc32c: existing?.crc32c ?? null,
    generation: existing?.generation ?? null,
    sourceGeneration: source?.generation ?? null,
  };
}
