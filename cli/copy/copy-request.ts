import { collectionIdProblem } from '../../contract/collection-id.ts';
import { MAX_BODY_BYTES } from '../../contract/limits.ts';
import type { OnLocked, Overwrite } from '../../contract/messages.ts';
import { usageError } from '../cli-error.ts';
import type { CliContext } from '../context.ts';
import { printable } from '../text.ts';
import { entriesFor, entriesOf, type Collections } from './entries.ts';
import { readText, tooLong } from './read-text.ts';

/** Which files: exactly one of these ways. */
export interface CopySelection {
  source?: string | undefined;
  destination?: string | undefined;
  files: readonly string[];
  as?: string | undefined;
  from?: string | undefined;
  ndjson?: boolean | undefined;
  prefix?: string | undefined;
  all?: boolean | undefined;
  manifest?: string | undefined;
}

/** What the service knows to do with them; what is not given is left to it. */
export interface CopyChoices {
  overwrite?: Overwrite | undefined;
  onLocked?: OnLocked | undefined;
  maxFilesPerSecond?: number | undefined;
  priority?: number | undefined;
  dryRun?: boolean | undefined;
}

/** The body of a request to copy, as JSON. Reads lists; throws CliError. */
export async function copyRequestBody(
  selection: CopySelection,
  choices: CopyChoices,
  context: CliContext,
): Promise<string> {
  const options = Object.fromEntries(Object.entries(choices).filter(([, value]) => value !== undefined));
  const files = await filesOf(selection, context);
  const body = JSON.stringify({ ...files, ...(Object.keys(options).length > 0 && { options }) });
  if (Buffer.byteLength(body) > MAX_BODY_BYTES) throw tooLong(selection.from ?? 'the list');
  return body;
}

async function filesOf(selection: CopySelection, context: CliContext): Promise<object> {
  const { source, destination, files, as, from, ndjson = false, all = false, manifest } = selection;
  const prefix = selection.prefix ?? (all ? '' : undefined);
  if (source !== undefined && destination === undefined && manifest === undefined) {
    throw usageError('say to which collection: apollo copy SOURCE DESTINATION …');
  }
  const ways = [files.length > 0, from !== undefined, prefix !== undefined, manifest !== undefined];
  const given = ways.filter(Boolean).length + (all && selection.prefix !== undefined ? 1 : 0);
  if (given === 0) throw usageError('say which files: their names, --from, --prefix, --all or --manifest');
  if (given > 1) {
    throw usageError('say which files in one way, not in several: their names, --from, --prefix, --all or --manifest');
  }
  if (as !== undefined && files.length !== 1) throw usageError('--as is for one file');
  if (manifest !== undefined) {
    if (source !== undefined) throw usageError('a manifest names the collections itself: give none beside --manifest');
    return { manifest: fileInCollection(manifest) };
  }
  if (source === undefined || destination === undefined) {
    throw usageError('say from which collection to which: apollo copy SOURCE DESTINATION …');
  }
  const collections: Collections = { sourceCollectionId: source, destinationCollectionId: destination };
  if (prefix !== undefined) return { collection: { ...collections, prefix } };
  if (from === undefined) {
    const entries = entriesFor(files, collections);
    return {
      copyFileCollectionData:
        as === undefined ? entries : entries.map((entry) => ({ ...entry, destinationFileName: as })),
    };
  }
  const isNdjson = ndjson || from.endsWith('.ndjson');
  const where = from === '-' ? 'standard input' : from;
  return { copyFileCollectionData: entriesOf(await readText(from, context), where, isNdjson, collections) };
}

/** `collection/file/name`: no collection's id has a slash. Throws CliError. */
export function fileInCollection(text: string): { collectionId: string; fileName: string } {
  const slash = text.indexOf('/');
  const [collectionId, fileName] = slash < 0 ? ['', ''] : [text.slice(0, slash), text.slice(slash + 1)];
  if (fileName === '' || collectionIdProblem(collectionId) !== undefined) {
    throw usageError(`"${printable(text)}" must be COLLECTION/FILE`);
  }
  return { collectionId, fileName };
}
