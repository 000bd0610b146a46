import { z } from 'zod';
import { fileNameProblem } from '../../contract/file-name.ts';
import { usageError } from '../cli-error.ts';
import { inOneLine, printable } from '../text.ts';

/** An entry of a request. */
export interface Entry {
  sourceCollectionId: string;
  destinationCollectionId: string;
  fileName: string;
  destinationFileName?: string | undefined;
}

/** The collections of entries that name none. */
export interface Collections {
  sourceCollectionId: string;
  destinationCollectionId: string;
}

const entryLine = z.strictObject({
  sourceCollectionId: z.string().optional(),
  destinationCollectionId: z.string().optional(),
  fileName: z.string(),
  destinationFileName: z.string().optional(),
});

const FIELDS = Object.keys(entryLine.shape).join(', ');

/**
 * The entries of a list: a file name a line, taken as it is, or (`ndjson`) an entry a line as JSON. Empty lines count for
 * nothing. `where` names the list. Throws CliError with the number of the first line that is wrong.
 */
export function entriesOf(text: string, where: string, ndjson: boolean, collections: Collections): Entry[] {
  const entries: Entry[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    const content = line.endsWith('\r') ? line.slice(0, -1) : line;
    if (content === '') continue;
    try {
      entries.push(ndjson ? parseEntry(content, collections) : checked({ ...collections, fileName: content }));
    } catch (error) {
      throw usageError(`${where}, line ${index + 1}: ${inOneLine(error)}`);
    }
  }
  if (entries.length === 0) throw usageError(`${where} names no file`);
  return entries;
}

/** The entries for names that were given one by one. Throws CliError. */
export function entriesFor(fileNames: readonly string[], collections: Collections): Entry[] {
  return fileNames.map((fileName) => checked({ ...collections, fileName }));
}

function parseEntry(line: string, collections: Collections): Entry {
  const parsed = entryLine.safeParse(parseJson(line), { reportInput: true });
  if (!parsed.success) throw usageError(parsed.error.issues.map(issueText).join('; '));
  const {
    sourceCollectionId = collections.sourceCollectionId,
    destinationCollectionId = collections.destinationCollectionId,
    ...names
  } = parsed.data;
  return checked({ sourceCollectionId, destinationCollectionId, ...names });
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    throw usageError(`is no JSON: ${inOneLine(error)}`);
  }
}

/** What is wrong with an entry, in the API's words. */
function issueText(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') return `${issue.keys.join(', ')}: unknown; an entry has ${FIELDS}`;
  if (issue.path.length === 0) return 'must be an object such as {"fileName": "a.txt"}';
  const field = issue.path.join('.');
  return issue.input === undefined ? `${field} is required, a string` : `${field} must be a string`;
}

/** The API judges names too, with all else; but only here it is known where they stood. */
function checked(entry: Entry): Entry {
  for (const name of [entry.fileName, entry.destinationFileName]) {
    const problem = name === undefined ? undefined : fileNameProblem(name);
    if (problem !== undefined) throw usageError(`the file name "${printable(name ?? '')}" ${problem}`);
  }
  return entry;
}
