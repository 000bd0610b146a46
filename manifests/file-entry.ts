import { collectionIdProblem } from '../contract/collection-id.ts';
import { fileNameProblem } from '../contract/file-name.ts';
import { MAX_OBJECT_NAME_BYTES } from '../contract/limits.ts';
import type { FileEntry } from '../contract/messages.ts';

/** What an entry may say, each with its rule; all but the last are required. */
export const ENTRY_FIELDS = [
  'sourceCollectionId',
  'destinationCollectionId',
  'fileName',
  'destinationFileName',
] as const;
export type EntryField = (typeof ENTRY_FIELDS)[number];

export const OPTIONAL_FIELD: EntryField = 'destinationFileName';

const RULES: Record<EntryField, (text: string) => string | undefined> = {
  sourceCollectionId: collectionIdProblem,
  destinationCollectionId: collectionIdProblem,
  fileName: fileNameProblem,
  destinationFileName: fileNameProblem,
};

/**
 * What a line of a manifest says. One with a problem has what could be read of it as its entry: texts that are missing
 * are empty, and texts that are too long are cut.
 */
export interface EntryLine {
  /** From 1. */
  line: number;
  entry: FileEntry;
  problem?: string;
  /** Of one with a problem, the collections that it names all the same, as they are to be named. */
  named?: Partial<Pick<FileEntry, 'sourceCollectionId' | 'destinationCollectionId'>>;
}

/** A line that says nothing that could be read. */
export function unreadableLine(line: number, problem: string): EntryLine {
  return { line, problem, entry: readablePart({}) };
}

/** Makes an entry of a record's fields, whatever they are. */
export function toEntryLine(line: number, fields: Readonly<Record<string, unknown>>): EntryLine {
  const problem = problemOf(fields);
  if (problem !== undefined) return { line, problem, entry: readablePart(fields), named: namedIn(fields) };
  const { sourceCollectionId, destinationCollectionId, fileName, destinationFileName = fileName } = fields;
  return {
    line,
    entry: { sourceCollectionId, destinationCollectionId, fileName, destinationFileName } as FileEntry,
  };
}

function problemOf(fields: Readonly<Record<string, unknown>>): string | undefined {
  for (const name in fields) {
    if (!Object.hasOwn(RULES, name)) return `has an unknown field ${JSON.stringify(name.slice(0, 100))}`;
  }
  for (const name of ENTRY_FIELDS) {
    const text = fields[name];
    if (text === undefined) {
      if (name === OPTIONAL_FIELD) continue;
      return `${name} is required`;
    }
    const problem = typeof text === 'string' ? RULES[name](text) : 'must be a string';
    if (problem !== undefined) return `${name} ${problem}`;
  }
  return undefined;
}

function namedIn(fields: Readonly<Record<string, unknown>>): NonNullable<EntryLine['named']> {
  const named = (['sourceCollectionId', 'destinationCollectionId'] as const).flatMap((name) => {
    const id = fields[name];
    return typeof id === 'string' && RULES[name](id) === undefined ? [[name, id] as const] : [];
  });
  return Object.fromEntries(named);
}

function readablePart(fields: Readonly<Record<string, unknown>>): FileEntry {
  const text = (name: EntryField) => {
    const value = fields[name];
    return typeof value === 'string' ? value.slice(0, MAX_OBJECT_NAME_BYTES).toWellFormed() : '';
  };
  const fileName = text('fileName');
  return {
    sourceCollectionId: text('sourceCollectionId'),
    destinationCollectionId: text('destinationCollectionId'),
    fileName,
    destinationFileName: text('destinationFileName') || fileName,
  };
}
