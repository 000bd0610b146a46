import type { RequestError, LockedFile } from '../../../contract/messages.ts';
import type { JobView } from '../../../api/schemas/job.ts';
import type { LogRecord } from '../../../api/schemas/log-record.ts';
import type { Paging } from '../../../api/schemas/paging.ts';
import type { TrackDetail, TrackSummary } from '../../../api/schemas/track.ts';

/** An answer of the API: `status` and `headers` are HTTP's, the rest is the body's. */
export interface Answer<Body> {
  status: number;
  headers: Headers;
  body: Body;
  /** From request to answer, in milliseconds. */
  tookMs: number;
  /** When the answer was there, by `performance.now()`. */
  answeredAt: number;
}

interface Envelope<Data> {
  status: { message: string; code: string };
  data: Data;
}

/** What a POST answers: of the data, only what belongs to its status is there. */
export type CopyBody = Envelope<{
  Result: string;
  Message: string;
  CorrelationId: string;
  Files: LockedFile[];
  Errors: RequestError[];
}>;
export type LogsBody = Envelope<LogRecord[]> & { paging: Paging; job: JobView };
export type TrackBody = Envelope<{ Summary: TrackSummary; Detail: TrackDetail[] }> & { paging?: Paging };
export type JobBody = Envelope<JobView>;

export interface Http {
  get<Body>(path: string, headers?: Record<string, string>): Promise<Answer<Body>>;
  post<Body>(path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer<Body>>;
}

/** Speaks to the API with this token; without one, as anybody. */
export function httpTo(baseUrl: string, token?: string): Http {
  async function send<Body>(path: string, init: RequestInit & { headers: Record<string, string> }) {
    const startedAt = performance.now();
    const headers = { ...init.headers, ...(token !== undefined && { authorization: `Bearer ${token}` }) };
    const response = await fetch(baseUrl + path, { ...init, headers });
    const body = (await response.json()) as Body;
    const answeredAt = performance.now();
    const { status, headers: answerHeaders } = response;
    return { status, headers: answerHeaders, body, tookMs: answeredAt - startedAt, answeredAt };
  }
  return {
    get: (path, headers = {}) => send(path, { headers }),
    post: (path, body, headers = {}) =>
      send(path, {
        method: 'POST',
        ...(body !== undefined && { body: JSON.stringify(body) }),
        headers: { ...headers, 'content-type': 'application/json' },
      }),
  };
}
