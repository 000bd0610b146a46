import { asMarkdown } from '../../contract/markdown.ts';
import type { BulkSource, CopyOptions, CopyRequest, FileEntry } from '../../contract/messages.ts';

/** How many files a request asks for; null where that takes reading to know. */
export function requestedFiles(request: CopyRequest): number | null {
  if ('entries' in request) return request.entries.length;
  return request.bulk.kind === 'stored' ? request.bulk.count : null;
}

/** What is copied, in one line for Temporal's Web UI, which takes it for Markdown. */
export function summaryOf(request: CopyRequest): string {
  return asMarkdown('entries' in request ? summaryOfList(request.entries) : summaryOfSource(request.bulk));
}

/** Every pair of collections with its number of files. */
function summaryOfList(entries: readonly FileEntry[]): string {
  const pairs = Map.groupBy(entries, (entry) => `${entry.sourceCollectionId} → ${entry.destinationCollectionId}`);
  const [first = '', ...rest] = Array.from(pairs, ([pair, { length }]) => `${countOfFiles(length)} ${pair}`);
  const more = rest.length === 0 ? '' : `, and ${rest.length} more pair${rest.length === 1 ? '' : 's'} of collections`;
  return `${shorten(first, 120)}${more}`;
}

function summaryOfSource(source: BulkSource): string {
  switch (source.kind) {
    case 'stored':
      return `${countOfFiles(source.count)} of a long list`;
    case 'manifest':
      return shorten(`the files that ${source.fileName} in ${source.collectionId} lists`, 160);
    case 'collection': {
      const pair = `${source.sourceCollectionId} → ${source.destinationCollectionId}`;
      const files = source.prefix === '' ? `all files ${pair}` : `files under ${source.prefix} ${pair}`;
      return shorten(source.rest === undefined ? files : `what was left of ${files}`, 160);
    }
  }
}

/** Who asked, and with which options, as Markdown too. */
export function detailsOf(caller: string, options: CopyOptions): string {
  const chosen = Object.entries(options).map(([name, value]) => `${name}: ${String(value)}`);
  return [`Requested by ${asMarkdown(caller)}`, ...chosen].join('; ');
}

function countOfFiles(count: number): string {
  return `${count} file${count === 1 ? '' : 's'}`;
}

function shorten(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length - 1)}…` : text;
}
