/** How a manifest is written. */
export interface ManifestFormat {
  syntax: 'ndjson' | 'csv';
  /** Compressed with gzip. */
  gzip: boolean;
}

/** What the name of a manifest may end in, and the format that says. */
const FORMATS: Readonly<Record<string, ManifestFormat>> = {
  '.ndjson': { syntax: 'ndjson', gzip: false },
  '.ndjson.gz': { syntax: 'ndjson', gzip: true },
  '.csv': { syntax: 'csv', gzip: false },
  '.csv.gz': { syntax: 'csv', gzip: true },
};

/** The format that a file's name stands for by its extension; undefined where it stands for none. */
export function manifestFormat(fileName: string): ManifestFormat | undefined {
  return Object.entries(FORMATS).find(([ending]) => fileName.endsWith(ending))?.[1];
}

/** What is wrong with the extension of a manifest's name, or undefined where nothing is. */
export function manifestExtensionProblem(fileName: string): string | undefined {
  if (manifestFormat(fileName) !== undefined) return undefined;
  return `must end in one of ${Object.keys(FORMATS).join(', ')}`;
}
