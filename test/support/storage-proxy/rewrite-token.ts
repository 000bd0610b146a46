import { createHash } from 'node:crypto';
import type { StorageRequest } from './storage-request.ts';

/** How far a rewrite in several calls has come. The token itself says so, so nothing has to be remembered. */
interface Progress {
  /** Digest of everything that has to stay the same from call to call. */
  request: string;
  /** Calls made, and how many it takes. */
  made: number;
  calls: number;
}

export function makeToken(request: StorageRequest, made: number, calls: number): string {
  const progress: Progress = { request: digestOf(request), made, calls };
  return Buffer.from(JSON.stringify(progress)).toString('base64url');
}

/** What a token says; undefined where it is none of ours, or of another request. */
export function readToken(request: StorageRequest, token: string): Progress | undefined {
  try {
    const progress = JSON.parse(Buffer.from(token, 'base64url').toString()) as Progress;
    return progress.request === digestOf(request) ? progress : undefined;
  } catch {
    return undefined;
  }
}

function digestOf({ bucket, name, source, query, body }: StorageRequest): string {
  const { rewriteToken: _token, ...rest } = query;
  const whole = JSON.stringify([source, bucket, name, Object.entries(rest).sort(), body.toString('base64')]);
  return createHash('sha256').update(whole).digest('base64url');
}
