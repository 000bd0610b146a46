import type { JobView } from '../../api/schemas/job.ts';
import type { LogRecord } from '../../api/schemas/log-record.ts';
import { DESTINATION_BUCKET, DESTINATIONS, SOURCE_BUCKET } from './plan.ts';

/** An answer of the API. */
export interface Answer {
  status: number;
  body: unknown;
}

/** A file as the API tells of it. */
export interface FileTold {
  /** Full names of the objects, `bucket/name`. */
  from: string;
  to: string;
  state: LogRecord['state'];
  message: string;
  size: number | null;
  crc32c: string | null;
  generation: string | null;
}

/** A job and all of its files as the API tells of them. */
export interface JobTold {
  job: JobView;
  files: FileTold[];
}

/** Longer than any answer takes while all is well, in milliseconds. */
const TIMEOUT_MS = 20_000;

const PAGE = 1_000;

/** The API as one caller speaks to it. */
export interface ChaosApi {
  /** Undefined: there was no whole answer. */
  post(path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer | undefined>;
  get(path: string): Promise<Answer | undefined>;
  /** Lines of a report; undefined: there was no whole answer, or not 200. */
  report(id: string): Promise<FileTold[] | undefined>;
  /** All pages of the logs of a job; else the answer that was not 200, undefined for none. */
  logs(id: string): Promise<JobTold | Answer | undefined>;
}

/** Speaks to the API at `url` with this token. */
export function chaosApi(url: string, token: string): ChaosApi {
  async function send(path: string, init: RequestInit): Promise<{ status: number; text: string } | undefined> {
    try {
      const headers = { ...(init.headers as Record<string, string>), authorization: `Bearer ${token}` };
      const response = await fetch(url + path, { ...init, headers, signal: AbortSignal.timeout(TIMEOUT_MS) });
      return { status: response.status, text: await response.text() };
    } catch {
      // The API was killed, or is not there: that is what is tried here.
      return undefined;
    }
  }

  async function json(path: string, init: RequestInit = {}): Promise<Answer | undefined> {
    const answer = await send(path, init);
    return answer === undefined ? undefined : { status: answer.status, body: parse(answer.text) };
  }

  return {
    post: (path, body, headers = {}) =>
      json(path, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json' },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      }),
    get: (path) => json(path),
    async report(id) {
      const answer = await send(`/apollo/files/copy/${id}/report?format=ndjson`, {});
      if (answer?.status !== 200) return undefined;
      const lines = answer.text.split('\n').filter((line) => line !== '');
      return lines.map((line) => {
        const row = JSON.parse(line) as LogRecord['payload'] & Pick<LogRecord, 'state' | 'message'>;
        return toFile({ ...row, payload: row });
      });
    },
    async logs(id) {
      const files: FileTold[] = [];
      // Later pages tell of a later moment: what the first one says of the job holds for all of them.
      let job: JobView | undefined;
      for (let token: string | null = ''; ;) {
        const query = new URLSearchParams({ correlationId: id, limit: String(PAGE) });
        if (token !== '') query.set('continuationToken', token);
        const answer = await json(`/apollo/status/logs?${query.toString()}`);
        if (answer?.status !== 200) return answer;
        const page = answer.body as { data: LogRecord[]; job: JobView; paging: { continuationToken: string | null } };
        files.push(...page.data.map(toFile));
        token = page.paging.continuationToken;
        job ??= page.job;
        if (token === null) return { job, files };
      }
    },
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function toFile({ state, message, payload }: Pick<LogRecord, 'state' | 'message' | 'payload'>): FileTold {
  const { sourceCollectionId, destinationCollectionId, fileName, destinationFileName } = payload;
  const number = sourceCollectionId.slice('chaos-source-'.length);
  const destination = DESTINATIONS.find(({ collectionId }) => collectionId === destinationCollectionId);
  return {
    from: `${SOURCE_BUCKET}/src/${number}/${fileName}`,
    to: `${DESTINATION_BUCKET}/${destination?.prefix ?? '?'}${destinationFileName}`,
    ...{ state, message, size: payload.size, crc32c: payload.crc32c, generation: payload.generation },
  };
}
