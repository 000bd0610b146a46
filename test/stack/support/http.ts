import type { RequestError, LockedFile } from '../../../contract/messages.ts';
import type { JobView } from '../../../api/schemas/job.ts';
import type { LogRecord } from '../../../api/schemas/log-record.ts';
import type { Paging } from '../../../api/schemas/paging.ts';
import type { TrackDetail, TrackSummary } from '../../../api/schemas/track.ts';

/** An answer of the API: `status` and `headers` are HTTP's, the rest is the body's. */
export interface Answer<B> {
  status: number;
  headers: Headers;
  body: B;
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
  Job?: JobView;
  Files: LockedFile[];
  Errors: RequestError[];
}>;
export type LogsBody = Envelope<LogRecord[]> & { paging: Paging; job: JobView };
export type TrackBody = Envelope<{ Summary: TrackSummary; Detail: TrackDetail[] }> & { paging?: Paging };
export type JobBody = Envelope<JobView>;

export interface Http {
  get<B>(path: string, headers?: Record<string, string>): Promise<Answer<B>>;
  /** The body of an answer that is no JSON document; throws where it is not 200. */
  text(path: string): Promise<string>;
  post<B>(path: string, content?: unknown, headers?: Record<string, string>): Promise<Answer<B>>;
}

/** Speaks to the API with this token; without one, as anybody. */
export function httpTo(baseUrl: string, token?: string): Http {
  async function send(path: string, extraHeaders: Record<string, string>, init: RequestInit = {}) {
    const startedAt = performance.now();
    const headers = { ...extraHeaders, ...(token !== undefined && { authorization: `Bearer ${token}` }) };
    const response = await fetch(baseUrl + path, { ...init, headers });
    const body: unknown = await response.json();
    const answeredAt = performance.now();
    return { status: response.status, headers: response.headers, body, tookMs: answeredAt - startedAt, answeredAt };
  }
  return {
    async text(path) {
      const response = await fetch(baseUrl + path, { headers: { authorization: `Bearer ${token ?? ''}` } });
      if (response.status !== 200) throw new Error(`${path} was answered ${response.status}`);
      return await response.text();
    },
    async get<B>(path: string, headers = {}) {
      return (await send(path, headers)) as Answer<B>;
    },
    async post<B>(path: string, content: unknown, headers = {}) {
      const init = { method: 'POST', ...(content !== undefined && { body: JSON.stringify(content) }) };
      return (await send(path, { ...headers, 'content-type': 'application/json' }, init)) as Answer<B>;
    },
  };
}
