import type { Bucket } from './bucket-store.ts';
import type { StoredObject } from './sorted-objects.ts';

const PAGE_SIZE = 1_000;

/** A page of a listing; names are byte texts. */
export interface Page {
  items: [name: string, object: StoredObject][];
  /** What lies behind the first delimiter after the prefix, told once. */
  prefixes: string[];
  nextPageToken: string | undefined;
}

/** Reads a page as the query of a request asks for it (cloud.google.com/storage/docs/json_api/v1/objects/list). */
export function listPage({ objects }: Bucket, query: Readonly<Record<string, string | undefined>>): Page {
  const { prefix = '', delimiter = '', startOffset = '', endOffset, pageToken } = query;
  const pageSize = Math.min(Number(query['maxResults'] ?? PAGE_SIZE), PAGE_SIZE);
  const page: Page = { items: [], prefixes: [], nextPageToken: undefined };
  let start = prefix > startOffset ? prefix : startOffset;
  if (pageToken !== undefined) start = Buffer.from(pageToken, 'base64url').toString('latin1');
  objects.walk(start, (name, at) => {
    if (!name.startsWith(prefix) || (endOffset !== undefined && endOffset !== '' && name >= endOffset)) return false;
    if (page.items.length + page.prefixes.length === pageSize) {
      page.nextPageToken = Buffer.from(name, 'latin1').toString('base64url');
      return false;
    }
    const delimitedAt = delimiter === '' ? -1 : name.indexOf(delimiter, prefix.length);
    if (delimitedAt < 0) {
      page.items.push([name, at()]);
      return true;
    }
    const common = name.slice(0, delimitedAt + delimiter.length);
    page.prefixes.push(common);
    return firstBehind(common);
  });
  return page;
}

/** The least name above all that start with this prefix; false where there is none. */
function firstBehind(prefix: string): string | false {
  for (let at = prefix.length - 1; at >= 0; at--) {
    const byte = prefix.charCodeAt(at);
    if (byte < 0xff) return prefix.slice(0, at) + String.fromCharCode(byte + 1);
  }
  return false;
}
