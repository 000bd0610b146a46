import { objectNameProblem, prefixProblem } from '../../contract/file-name.ts';
import type { CollectionCatalogue } from '../../storage/collections.ts';
import { isPrefixRef, type LockTarget } from '../../storage/lock-targets.ts';
import { CliError, usageError } from '../cli-error.ts';
import { fileInCollection } from '../copy/copy-request.ts';
import { EXIT } from '../exit-codes.ts';
import { printable } from '../text.ts';

const STORAGE_URL = /^gs:\/\/([a-z0-9][a-z0-9._-]+)\/(.*)$/s;

/**
 * What a person means by `gs://BUCKET/NAME` or `COLLECTION/FILE`; with `isPrefix`, everything whose name starts so.
 * Throws CliError, and StorageError where a collection cannot be looked up.
 */
export async function lockTarget(
  text: string,
  { isPrefix, collections }: { isPrefix: boolean; collections: CollectionCatalogue },
): Promise<LockTarget> {
  const [, bucket, name] = STORAGE_URL.exec(text) ?? [];
  if (bucket !== undefined && name !== undefined) return checked(bucket, '', name, isPrefix);
  // "COLLECTION/" is no file, but the prefix that all of its files have.
  const isWhole = isPrefix && text.endsWith('/') && text.indexOf('/') === text.length - 1;
  const { collectionId, fileName } = isWhole
    ? { collectionId: text.slice(0, -1), fileName: '' }
    : fileInCollection(text);
  const lookup = await collections.find(collectionId);
  if (!lookup.found) throw new CliError(EXIT.refused, printable(lookup.problem.replaceAll(/\s+/g, ' ')));
  return checked(lookup.collection.bucket, lookup.collection.prefix, fileName, isPrefix);
}

function checked(bucket: string, prefix: string, rest: string, isPrefix: boolean): LockTarget {
  const problem = isPrefix ? prefixProblem(prefix + rest) : objectNameProblem(prefix, rest);
  if (problem !== undefined) throw usageError(`the ${isPrefix ? 'prefix' : 'file name'} ${problem}`);
  return isPrefix ? { bucket, prefix: prefix + rest } : { bucket, name: prefix + rest };
}

/** What a lock is on, in words: `gs://bucket/name`, or `everything under gs://bucket/prefix`. */
export function targetText(target: LockTarget): string {
  const { bucket } = target;
  return printable(
    isPrefixRef(target) ? `everything under gs://${bucket}/${target.prefix}` : `gs://${bucket}/${target.name}`,
  );
}
