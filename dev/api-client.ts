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

/** A client that sends `token`; a body that is no JSON is an error, a status other than 200 is not. */
export function createApiClient(token: string, signal: AbortSignal): ApiClient {
  async function send<Body>(url: string, init: RequestInit): Promise<Answer<Body>> {
    const started = performance.now();
    const headers = { ...(init.headers as Record<string, string>), authorization: `Bearer ${token}` };
    const response = await fetch(url, { ...init, headers, signal });
    const body = (await response.json()) as Body;
    const correlationId = response.headers.get('x-correlation-id');
    return { status: response.status, body, correlationId, tookMs: performance.now() - started };
  }
  return {
    post: (url, body, headers = {}) =>
      send(url, {
        method: 'POST',
        body: JSON.stringify(body),
        headers: { ...headers, 'content-type': 'application/json' },
      }),
    get: (url) => send(url, {}),
  };
}
