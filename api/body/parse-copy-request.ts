import { MAX_INLINE_BYTES, MAX_INLINE_ENTRIES } from '../../contract/limits.ts';
import type { CopyOptions, CopyRequest, FileEntry, RequestError } from '../../contract/messages.ts';
import { listDigest, sourceDigest, type NamedSource } from '../request-digest.ts';
import { requestErrors } from '../request-errors.ts';
import { DEFAULT_OPTIONS } from '../schemas/copy-options.ts';
import { copyRequestBody, inputMistakes, type CopyRequestBody } from '../schemas/copy-request.ts';
import { toFileEntry } from '../schemas/file-entry.ts';
import { parseJson } from './json-body.ts';

/** A request with its defaults filled in, and the digest of what it asks for. */
export interface ParsedRequest {
  request: CopyRequest;
  digest: string;
}

/** What a body says: a request, its mistakes, or a list that is too long to travel in messages. */
export type Parsed =
  ({ kind: 'request' } & ParsedRequest) | { kind: 'mistakes'; errors: RequestError[] } | { kind: 'long list' };

/** Entries of a body of any shape, so that a long list is not judged entry by entry here. */
function listLength(body: object): number {
  return 'copyFileCollectionData' in body && Array.isArray(body.copyFileCollectionData)
    ? body.copyFileCollectionData.length
    : 0;
}

/** The options of a request, those that it leaves out at their defaults. */
export function withDefaults(options: CopyRequestBody['options']): CopyOptions {
  const { maxFilesPerSecond, ...others } = { ...DEFAULT_OPTIONS, ...options };
  return { ...others, ...(maxFilesPerSecond !== undefined && { maxFilesPerSecond }) };
}

/** The request for a source that a body names; undefined where it names none. */
export function namedRequest({
  manifest,
  collection,
  options,
}: Omit<CopyRequestBody, 'copyFileCollectionData'>): ParsedRequest | undefined {
  const source: NamedSource | undefined =
    manifest !== undefined ? { kind: 'manifest', ...manifest } : collection && { kind: 'collection', ...collection };
  if (source === undefined) return undefined;
  const chosen = withDefaults(options);
  return { request: { bulk: source, options: chosen }, digest: sourceDigest(source, chosen) };
}

/** The request for a list that travels in messages. */
export function listRequest(entries: FileEntry[], options: CopyOptions): ParsedRequest {
  return { request: { entries, options }, digest: listDigest(entries, options) };
}

/** Parses a body that is held whole. Never throws. */
export function parseCopyRequest(body: Uint8Array): Parsed {
  const json = parseJson(body);
  if (!json.ok) return { kind: 'mistakes', errors: [{ path: '', message: json.problem }] };
  const { value } = json;
  const fields = typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  if (fields !== undefined && listLength(fields) > MAX_INLINE_ENTRIES) return { kind: 'long list' };
  const parsed = copyRequestBody.safeParse(value);
  const errors = [
    ...(fields === undefined ? [] : inputMistakes((field) => Object.hasOwn(fields, field))),
    ...(parsed.success ? [] : requestErrors(parsed.error)),
  ];
  if (!parsed.success || errors.length > 0) return { kind: 'mistakes', errors };
  const named = namedRequest(parsed.data);
  if (named !== undefined) return { kind: 'request', ...named };
  const entries = (parsed.data.copyFileCollectionData ?? []).map(toFileEntry);
  if (Buffer.byteLength(JSON.stringify(entries)) > MAX_INLINE_BYTES) return { kind: 'long list' };
  return { kind: 'request', ...listRequest(entries, withDefaults(parsed.data.options)) };
}
