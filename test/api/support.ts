import assert from 'node:assert/strict';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createLocalJWKSet, exportJWK, generateKeyPair, SignJWT, type JWTPayload } from 'jose';
import { pino } from 'pino';
import { createApp } from '../../api/app.ts';
import type { ListInput } from '../../api/body/list-sink.ts';
import type { OpenInput } from '../../api/body/receive-copy-request.ts';
import { createTokenVerifier } from '../../api/auth/verify-token.ts';
import type { ApiDeps } from '../../api/context.ts';
import { requestedFiles } from '../../api/jobs/job-text.ts';
import type { CopyAnswer, JobPage, JobService } from '../../api/jobs/job-service.ts';
import type { FileRecord, JobStatus } from '../../contract/messages.ts';
import { assertDocumented, openApiOf, type OpenApi } from './documented.ts';

export const ISSUER = 'https://ims.example.com';
export const ID = 'c7164076-9224-401c-a6bd-21908563abf8';
export const OTHER_ID = '0b0c6d2e-58b2-4a9f-9d60-6d41f0b7a111';
export const NOW = Date.UTC(2026, 2, 2, 9, 15, 0, 120);
export const FORBIDDEN_TEXT = 'The request is understood, but it has been refused or access is not allowed';

export const keyPair = await generateKeyPair('RS256', { extractable: true });
export const publicJwk = { ...(await exportJWK(keyPair.publicKey)), kid: 'key-1', alg: 'RS256', use: 'sig' };

/** Claims of a token that may do everything but administer; NOW is when it is looked at. */
export const CLAIMS: JWTPayload = {
  iss: ISSUER,
  sub: 'alice',
  exp: NOW / 1000 + 600,
  scope: 'apollo_read apollo_write',
};

export function signToken(claims: JWTPayload = {}, header: { kid?: string } = { kid: 'key-1' }): Promise<string> {
  return new SignJWT({ ...CLAIMS, ...claims }).setProtectedHeader({ alg: 'RS256', ...header }).sign(keyPair.privateKey);
}

export const token = await signToken();
export const adminToken = await signToken({ sub: 'root', scope: 'apollo_read apollo_write apollo_admin' });
export const readerToken = await signToken({ scope: 'apollo_read' });

export const JOB: JobStatus = {
  correlationId: ID,
  state: 'Processing',
  counts: { requested: 2, completed: 1, skipped: 0, failed: 0, cancelled: 0, pending: 1, bytes: 48100 },
  startedAt: NOW,
  endedAt: null,
  message: '',
};

/** A file of a job, copied unless something else is said. */
export function file(index: number, changes: Partial<FileRecord> = {}): FileRecord {
  return {
    index,
    sourceCollectionId: 'originals',
    destinationCollectionId: 'copies',
    fileName: `file-${index}.jpg`,
    destinationFileName: `copy-${index}.jpg`,
    state: 'Completed',
    retryCount: 1,
    message: '',
    size: 48100,
    crc32c: 'yZRlqg==',
    generation: '22',
    sourceGeneration: '11',
    history: [
      { state: 'Requested', at: NOW },
      { state: 'Processing', at: NOW + 40 },
      { state: 'Completed', at: NOW + 190 },
    ],
    ...changes,
  };
}

/** A page of a job's files. */
export function page(files: FileRecord[], changes: Partial<JobPage> = {}): JobPage {
  return {
    job: JOB,
    caller: 'alice',
    receivedAt: NOW - 100,
    taskQueue: 'apollo-copy',
    collections: [
      { collectionId: 'originals', bucket: 'bucket-a', prefix: 'in/', generation: '1' },
      { collectionId: 'copies', bucket: 'bucket-b', prefix: '', generation: '2' },
    ],
    files,
    totalCount: files.length,
    next: null,
    ...changes,
  };
}

type Call = { [Method in keyof JobService]: [Method, ...Parameters<JobService[Method]>] }[keyof JobService];

const accepted = (requested: number | null): CopyAnswer => ({
  kind: 'decided',
  requested,
  admission: { decision: 'accepted' },
});

/** A JobService that accepts everything, knows one job, and remembers what it was asked. */
function jobsDouble(answers: Partial<JobService> = {}) {
  const calls: Call[] = [];
  const jobs: JobService = {
    copy(job, patience) {
      calls.push(patience === undefined ? ['copy', job] : ['copy', job, patience]);
      return answers.copy?.(job, patience) ?? Promise.resolve(accepted(requestedFiles(job.request)));
    },
    retry(job, patience) {
      calls.push(patience === undefined ? ['retry', job] : ['retry', job, patience]);
      return answers.retry?.(job, patience) ?? Promise.resolve(accepted(7));
    },
    status(id, viewer) {
      calls.push(['status', id, viewer]);
      return answers.status?.(id, viewer) ?? Promise.resolve(JOB);
    },
    page(id, viewer, request) {
      calls.push(['page', id, viewer, request]);
      return answers.page?.(id, viewer, request) ?? Promise.resolve(page([file(0), file(1)]));
    },
    list(filter, page) {
      calls.push(['list', filter, page]);
      return answers.list?.(filter, page) ?? Promise.resolve({ jobs: [JOB], totalCount: 1, next: null });
    },
    control(id, viewer, action) {
      calls.push(['control', id, viewer, action]);
      const state = ({ cancel: 'Cancelling', pause: 'Paused', resume: 'Processing' } as const)[action];
      return answers.control?.(id, viewer, action) ?? Promise.resolve({ ...JOB, state });
    },
  };
  return { jobs, calls };
}

/** Inputs as they are stored: their lines, and what became of them. */
export function inputsDouble(changes: Partial<ListInput> = {}) {
  const inputs: { correlationId: string; text: string; end: 'open' | 'closed' | 'aborted' }[] = [];
  const openInput: OpenInput = (correlationId) => {
    const input: (typeof inputs)[number] = { correlationId, text: '', end: 'open' };
    inputs.push(input);
    return {
      write(lines) {
        input.text += lines;
        return Promise.resolve();
      },
      close() {
        input.end = 'closed';
        return Promise.resolve({ object: `jobs/${correlationId}/input/${inputs.length}.ndjson`, generation: '7' });
      },
      abort() {
        input.end = 'aborted';
        return Promise.resolve();
      },
      ...changes,
    };
  };
  return { inputs, openInput };
}

let document: Promise<OpenApi> | undefined;

interface Setup extends Partial<Omit<ApiDeps, 'jobs' | 'log'>> {
  jobs?: Partial<JobService>;
}

/** An app on doubles. Every answer it gives is held against its own OpenAPI document. */
export function setUp({ jobs: answers = {}, ...deps }: Setup = {}) {
  const lines: Record<string, unknown>[] = [];
  const log = pino(
    { level: 'debug' },
    { write: (line: string) => lines.push(JSON.parse(line) as Record<string, unknown>) },
  );
  const { jobs, calls } = jobsDouble(answers);
  const allDeps: ApiDeps = {
    jobs,
    collections: () => Promise.resolve([{ collectionId: 'copies', collectionName: 'Copies' }]),
    authenticate: createTokenVerifier({
      issuer: ISSUER,
      audience: undefined,
      keys: createLocalJWKSet({ keys: [publicJwk] }),
      now: () => NOW,
    }),
    readiness: { temporal: () => Promise.resolve(), storage: () => Promise.resolve() },
    openInput: inputsDouble().openInput,
    publicUrl: 'https://apollo.example.com',
    log,
    now: () => NOW,
    ...deps,
  };
  const app = createApp(allDeps);
  async function request(path: string, init: RequestInit = {}): Promise<Response> {
    const response = await app.request(path, init);
    // What the log tells of it is written once the answer is on its way.
    await nextTurn();
    document ??= openApiOf(createApp({ ...allDeps, log: pino({ level: 'silent' }) }));
    await assertDocumented(await document, init.method ?? 'GET', path, response);
    return response;
  }
  /** GET with a token that may do everything, unless another is given. */
  const get = (path: string, headers: Record<string, string> = {}) =>
    request(path, { headers: { authorization: `Bearer ${token}`, ...headers } });
  const post = (path: string, body?: RequestInit['body'], headers: Record<string, string> = {}) =>
    request(path, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
      body: body ?? null,
    });
  /** POST /apollo/files/copy of this value as JSON. */
  const copy = (value: unknown, headers: Record<string, string> = {}) =>
    post('/apollo/files/copy', JSON.stringify(value), headers);
  return { app, request, get, post, copy, calls, lines };
}

export const ENTRY = { sourceCollectionId: 'originals', destinationCollectionId: 'copies', fileName: 'a.jpg' };

/** A request for this many files. */
export function copyBody(files = 2) {
  return {
    copyFileCollectionData: Array.from({ length: files }, (_, index) => ({ ...ENTRY, fileName: `${index}.jpg` })),
  };
}

/** Asserts an answer's status and, where given, its message, in the envelope; gives its data. */
export async function assertAnswer(response: Response, status: number, message?: string): Promise<unknown> {
  const text = await response.clone().text();
  assert.equal(response.status, status, text);
  assert.match(response.headers.get('content-type') ?? '', /^application\/json/);
  const body = JSON.parse(text) as { status: { message: string; code: string }; data: unknown };
  assert.equal(body.status.code, String(status));
  if (message !== undefined) assert.equal(body.status.message, message);
  assert.ok('data' in body);
  return body.data;
}

/** Asserts a 400 that lists exactly these mistakes, as `path: message`, in any order. */
export async function assertMistakes(response: Response, expected: string[], message?: string): Promise<void> {
  const data = (await assertAnswer(response, 400, message)) as { Errors: { path: string; message: string }[] };
  assert.deepEqual(data.Errors.map((error) => `${error.path}: ${error.message}`).sort(), [...expected].sort());
}
