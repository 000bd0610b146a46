import { request } from 'undici';
import type { FileState, JobCounts, JobState } from '../contract/states.ts';

/** The API as a caller sees it, over HTTP. */

export interface Answer<Body> {
  status: number;
  body: Body;
  correlationId: string | null;
  /** Until the answer was there, in milliseconds. */
  tookMs: number;
}

export interface CopyBody {
  status: { message: string; code: string };
  data: { Result: string; Message: string; CorrelationId: string };
}

export interface LogsBody {
  data: {
    state: FileState;
    retryCount: number;
    message: string;
    payload: { fileName: string; size: number | null; crc32c: string | null; generation: string | null };
  }[];
  job: { state: JobState; counts: JobCounts; message: string };
}

export interface ApiClient {
  post<Body>(url: string, body: unknown, headers?: Record<string, string>): Promise<Answer<Body>>;
  get<Body>(url: string): Promise<Answer<Body>>;
}

interface Sent {
  method: 'GET' | 'POST';
  body?: string;
  headers?: Record<string, string>;
}

/** A client that sends `token`; a body that is no JSON is an error, a status other than 200 is not. */
export function createApiClient(token: string, signal: AbortSignal): ApiClient {
  async function send<Body>(url: string, { method, body, headers = {} }: Sent): Promise<Answer<Body>> {
    const started = performance.now();
    const sent = { ...headers, authorization: `Bearer ${token}` };
    const response = await request(url, { method, headers: sent, signal, ...(body !== undefined && { body }) });
    const received = (await response.body.json()) as Body;
    const correlationId = response.headers['x-correlation-id'];
    return {
      status: response.statusCode,
      body: received,
      correlationId: typeof correlationId === 'string' ? correlationId : null,
      tookMs: performance.now() - started,
    };
  }
  return {
    post: (url, body, headers = {}) =>
      send(url, {
        method: 'POST',
        body: JSON.stringify(body),
        headers: { ...headers, 'content-type': 'application/json' },
      }),
    get: (url) => send(url, { method: 'GET' }),
  };
}
