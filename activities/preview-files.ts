import type { Overwrite } from '../contract/messages.ts';
import { reason } from '../contract/reasons.ts';
import type { LocatedFile } from '../contract/locate.ts';
import { isSameContent, type FileOutcome } from './copy-file.ts';
import { mapConcurrently } from './concurrency.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { toFailure } from './failures.ts';

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
  const outcomes: FileOutcome[] = [];
  try {
    await mapConcurrently(files, FILES_AT_A_TIME, async ({ source: sourceRef, destination }, index) => {
      const [source, existing] = await Promise.all([
        storage.objects.stat(sourceRef),
        storage.objects.stat(destination),
      ]);
      const verdict = () => {
        if (source === undefined) return 'would fail: SOURCE_NOT_FOUND';
        if (existing === undefined) return `would be copied, ${source.size} bytes`;
        if (overwrite === 'never') return 'would be skipped: DESTINATION_EXISTS';
        if (overwrite === 'ifDifferent' && isSameContent(existing, source))
          return 'would be skipped: DESTINATION_UNCHANGED';
        return `would replace the destination, ${source.size} bytes`;
      };
      outcomes[index] = {
        state: 'Skipped',
        message: reason('DRY_RUN', verdict()),
        size: existing?.size ?? null,
        crc32c: existing?.crc32c ?? null,
        generation: existing?.generation ?? null,
        sourceGeneration: source?.generation ?? null,
        retryCount: 0,
      };
    });
  } catch (error) {
    throw toFailure(error);
  }
  return outcomes;
}
