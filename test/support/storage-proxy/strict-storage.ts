import { conditionNotMet, errorAnswer, jsonAnswer, notFound, type Answer } from './answer.ts';
import { createMutex } from './mutex.ts';
import { makeToken, readToken } from './rewrite-token.ts';
import type { StorageRequest } from './storage-request.ts';
import type { Upstream } from './upstream.ts';

/** What storage may do one way or another, as a test decides. */
export interface Leeway {
  /** How many calls a rewrite takes, given the size of its source in bytes; default: one. */
  callCount?: (size: number) => number;
  /** Objects on a page of a listing, where that is less than what was asked for. */
  pageSize?: number;
}

/** Carries a request out as Cloud Storage would. */
export type StrictStorage = (request: StorageRequest, leeway: Leeway) => Promise<Answer>;

/** Preconditions that storage has and this one does not check: refused, lest a test rests on them. */
const UNCHECKED =
  /^(?:if(?:Source)?Metageneration(?:Not)?Match|if(?:Source)?GenerationNotMatch|ifSourceGenerationMatch)$/;

/**
 * Adds to an emulator what it leaves out: generations as preconditions of every write, the source's generation, and
 * rewrites that take several calls. All writes of one object pass through one door, so that check and write are one.
 */
export function createStrictStorage(upstream: Upstream): StrictStorage {
  const exclusively = createMutex();

  async function holds({ bucket, name, query }: StorageRequest): Promise<boolean> {
    const expected = query['ifGenerationMatch'];
    if (expected === undefined) return true;
    return ((await upstream.stat(bucket, name))?.generation ?? '0') === expected;
  }

  async function upload(request: StorageRequest): Promise<Answer> {
    return (await holds(request)) ? await upstream.send(request) : conditionNotMet();
  }

  async function remove(request: StorageRequest): Promise<Answer> {
    const { bucket, name, query } = request;
    const existing = await upstream.stat(bucket, name);
    // Without a live object there is nothing to hold a precondition against.
    if (existing === undefined) return notFound(`No such object: ${bucket}/${name}`);
    const expected = query['ifGenerationMatch'];
    if (expected !== undefined && expected !== existing.generation) return conditionNotMet();
    const { status, ...answer } = await upstream.send(request);
    return status === 200 ? { status: 204, headers: {}, body: Buffer.alloc(0) } : { status, ...answer };
  }

  async function rewrite(request: StorageRequest, { callCount = () => 1 }: Leeway): Promise<Answer> {
    const { source = { bucket: '', name: '' }, query } = request;
    const { sourceGeneration, rewriteToken } = query;
    const progress = rewriteToken === undefined ? undefined : readToken(request, rewriteToken);
    if (rewriteToken !== undefined && progress === undefined) {
      return errorAnswer(400, { reason: 'invalid', message: 'Invalid rewrite token.' });
    }
    const from = await upstream.stat(source.bucket, source.name);
    if (from === undefined || (sourceGeneration !== undefined && from.generation !== sourceGeneration)) {
      return notFound(`No such object: ${source.bucket}/${source.name}`);
    }
    if (!(await holds(request))) return conditionNotMet();
    const { made, calls } = progress ?? { made: 0, calls: Math.max(1, callCount(from.size)) };
    if (made + 1 >= calls) {
      // The emulator knows no tokens.
      return await upstream.send({ ...request, target: withParameter(request, 'rewriteToken', undefined) });
    }
    return jsonAnswer(200, {
      kind: 'storage#rewriteResponse',
      totalBytesRewritten: String(Math.floor((from.size * (made + 1)) / calls)),
      objectSize: String(from.size),
      done: false,
      rewriteToken: makeToken(request, made + 1, calls),
    });
  }

  return async function carryOut(request, leeway) {
    const { operation, bucket, name, query } = request;
    const unchecked = Object.keys(query).find((parameter) => UNCHECKED.test(parameter));
    if (unchecked !== undefined) return notDone(`the storage proxy does not check ${unchecked}`);
    const door = `${bucket}\n${name}`;
    switch (operation) {
      case 'upload':
        if (query['uploadType'] === 'resumable') return notDone('a resumable upload would go past the storage proxy');
        return await exclusively(door, () => upload(request));
      case 'delete':
        return await exclusively(door, () => remove(request));
      case 'rewrite':
        return await exclusively(door, () => rewrite(request, leeway));
      case 'list':
        if (leeway.pageSize === undefined) return await upstream.send(request);
        return await upstream.send({ ...request, target: withParameter(request, 'maxResults', leeway.pageSize) });
      case 'stat':
      case 'read':
      case 'other':
        return await upstream.send(request);
    }
  };
}

function notDone(message: string): Answer {
  return errorAnswer(501, { reason: 'notImplemented', message });
}

/** The request's target with one parameter changed, or taken out. */
function withParameter({ target }: StorageRequest, name: string, value: string | number | undefined): string {
  const [path = '', search = ''] = target.split('?');
  const query = new URLSearchParams(search);
  if (value === undefined) query.delete(name);
  else query.set(name, String(value));
  return `${path}?${query.toString()}`;
}
