import { BucketStore, Refusal } from './bucket-store.ts';
import { decodePercent } from './byte-text.ts';
import { control, CONTROL_PATH } from './control.ts';
import { OPERATIONS, type Operation, type OperationCounts } from './counters.ts';
import { DelayLine } from './delay-line.ts';
import { Faults } from './faults.ts';
import { Fields } from './fields.ts';
import type { HttpAnswer, HttpHandler, HttpRequest } from './http-connection.ts';
import { listPage } from './listing.ts';
import { bucketJson, contentTypeOf, objectJson, pageJson, refusalAnswer, rewriteJson } from './resources.ts';
import { Uploads } from './uploads.ts';

const API_PATH = '/storage/v1/b';
const UPLOAD_PATH = '/upload/storage/v1/b/';

/** The handler that serves a storage server's state, which is empty unless given. */
export function createStorageApi(store = new BucketStore()): HttpHandler {
  const uploads = new Uploads();
  const delays = new DelayLine();
  const faults = new Faults();
  const counts = Object.fromEntries(OPERATIONS.map((kind) => [kind, 0])) as OperationCounts;

  function count(kind: Operation): void {
    counts[kind] += 1;
  }

  function carryOut(request: HttpRequest): HttpAnswer {
    const { path } = request;
    if (path.startsWith(UPLOAD_PATH)) return upload(request);
    if (path === API_PATH) return onBuckets(request);
    if (!path.startsWith(`${API_PATH}/`)) throw new Refusal(404, 'notFound', `There is nothing at ${path}`);
    // b/BUCKET, b/BUCKET/o, b/BUCKET/o/OBJECT, b/BUCKET/o/OBJECT/rewriteTo/b/BUCKET/o/OBJECT; slashes in names are encoded.
    const [bucket = '', , object, action, , toBucket = '', , toObject = ''] = path
      .slice(API_PATH.length + 1)
      .split('/');
    const name = object === undefined ? '' : decodePercent(object);
    if (action !== undefined) {
      return copy({ bucket, name }, { bucket: toBucket, name: decodePercent(toObject) }, action, request);
    }
    if (name === '') return onBucket(bucket, path.endsWith('/o') || object !== undefined, request);
    return onObject(bucket, name, request);
  }

  function onBuckets({ method, body }: HttpRequest): HttpAnswer {
    count('bucket');
    if (method === 'GET') {
      return {
        status: 200,
        body: `{"kind":"storage#buckets","items":[${store.bucketNames().map(bucketJson).join(',')}]}`,
      };
    }
    const { name } = JSON.parse(body.toString('latin1')) as { name: string };
    if (!store.makeBucket(name)) throw new Refusal(409, 'conflict', 'The bucket is there already.');
    return { status: 200, body: bucketJson(name) };
  }

  function onBucket(bucket: string, isListing: boolean, { query }: HttpRequest): HttpAnswer {
    count(isListing ? 'list' : 'bucket');
    const found = store.bucket(bucket);
    const body = isListing ? pageJson(bucket, listPage(found, query), Fields.of(query['fields'])) : bucketJson(bucket);
    return { status: 200, body };
  }

  function onObject(bucket: string, name: string, { method, query, header }: HttpRequest): HttpAnswer {
    if (method === 'DELETE') {
      count('delete');
      store.delete(bucket, name, query);
      return { status: 204, body: '' };
    }
    if (method !== 'GET') throw new Refusal(405, 'methodNotAllowed', `There is no ${method} of objects here.`);
    const isMedia = query['alt'] === 'media';
    count(isMedia ? 'media' : 'get');
    const object = store.get(bucket, name, query);
    if (!isMedia) return { status: 200, body: objectJson(bucket, name, object, Fields.of(query['fields'])) };
    const content = object.details?.content ?? Buffer.alloc(object.size);
    const headers = { 'x-goog-generation': String(object.generation), 'accept-ranges': 'bytes' };
    const contentType = contentTypeOf(object);
    const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(header('range') ?? '') ?? [];
    if (first === undefined) return { status: 200, headers, contentType, body: content };
    const part = content.subarray(Number(first), last === '' ? undefined : Number(last) + 1);
    const range = { 'content-range': `bytes ${first}-${Number(first) + part.length - 1}/${content.length}` };
    return { status: 206, headers: { ...headers, ...range }, contentType, body: part };
  }

  function copy(
    from: { bucket: string; name: string },
    to: { bucket: string; name: string },
    action: string,
    { query }: HttpRequest,
  ): HttpAnswer {
    count('rewrite');
    const object = store.rewrite(from, to, query);
    const toJson = action === 'copyTo' ? objectJson : rewriteJson;
    return { status: 200, body: toJson(to.bucket, to.name, object, Fields.of(query['fields'])) };
  }

  function upload(request: HttpRequest): HttpAnswer {
    count('insert');
    const bucket = request.path.slice(UPLOAD_PATH.length).split('/')[0] ?? '';
    const received = uploads.receive(request);
    if ('status' in received) return received;
    const { name, content, query } = received;
    const object = store.insert(bucket, name, content, query);
    return { status: 200, body: objectJson(bucket, name, object, Fields.of(query['fields'])) };
  }

  function answered(request: HttpRequest, act: (request: HttpRequest) => HttpAnswer): HttpAnswer {
    try {
      return act(request);
    } catch (error) {
      if (error instanceof Refusal) return refusalAnswer(error);
      if (error instanceof SyntaxError) return refusalAnswer(new Refusal(400, 'parseError', error.message));
      throw error;
    }
  }

  return function handle(request, answer) {
    if (request.path.startsWith(CONTROL_PATH)) {
      answer(answered(request, (asked) => control(asked, { store, delays, faults, counts })));
      return;
    }
    const proceed = () => answered(request, carryOut);
    const result = faults.isAny ? faults.meet(proceed) : proceed();
    delays.later(() => {
      answer(result);
    });
  };
}
