import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { createApiClient, type CopyBody, type LogsBody } from '../dev/api-client.ts';
import { isEndState } from '../contract/states.ts';

/** Longer than any measurement, in milliseconds. */
const TIMEOUT_MS = 3 * 3_600_000;

/** A job that has not ended by then hangs, in milliseconds. */
const END_WITHIN_MS = 2 * 60_000;

/** A request is repeated so often; each 503 comes after seconds. */
const MAX_REFUSALS = 5;

/** Between two looks at a job's state, in milliseconds. */
const LOOK_EVERY_MS = 5;

/** A job as the API shows it. */
export type Job = LogsBody['job'] & { endedAt: string | null };

/** A job that the API has taken. */
export interface PostedJob {
  correlationId: string;
  /** When the request was sent: by `performance.now()`. */
  startedAt: number;
  /** From request to answer, in milliseconds; repetitions included. */
  tookMs: number;
  /** How often the request was answered 503 and repeated. */
  refusals: number;
}

/** The service as a caller sees it. Every method throws where the answer is not the one of a healthy service. */
export interface Jobs {
  /**
   * Posts a request, again under the same correlation id where the answer is 503. `wait`: the answer comes when the job
   * has ended, or after this many seconds.
   */
  post(request: unknown, options?: { wait?: number }): Promise<PostedJob>;
  /** How a job stands, and how long the answer took, in milliseconds. */
  status(correlationId: string): Promise<{ job: Job; tookMs: number }>;
  /** Asks for the status until the job has ended. */
  ended(correlationId: string): Promise<Job>;
  cancel(correlationId: string): Promise<void>;
}

/** Speaks to the API at `apiUrl` with this token. */
export function createJobs(apiUrl: string, token: string): Jobs {
  const client = createApiClient(token, AbortSignal.timeout(TIMEOUT_MS));

  async function status(correlationId: string): Promise<{ job: Job; tookMs: number }> {
    const url = `${apiUrl}/apollo/status/logs?limit=1&correlationId=${correlationId}`;
    let answer = await client.get<LogsBody & { job: Job }>(url);
    for (let refusals = 1; answer.status === 503 && refusals <= MAX_REFUSALS; refusals++)
      answer = await client.get(url);
    if (answer.status !== 200) throw new Error(`status answered ${answer.status}: ${JSON.stringify(answer.body)}`);
    return { job: answer.body.job, tookMs: answer.tookMs };
  }

  return {
    async post(request, { wait } = {}) {
      const startedAt = performance.now();
      const headers: Record<string, string> = {
        'x-correlation-id': randomUUID(),
        ...(wait !== undefined && { prefer: `wait=${wait}` }),
      };
      for (let refusals = 0; ; refusals++) {
        const answer = await client.post<CopyBody>(`${apiUrl}/apollo/files/copy`, request, headers);
        const { status, body, correlationId } = answer;
        if (status === 503 && refusals < MAX_REFUSALS) continue;
        if ((status !== 200 && status !== 202) || correlationId === null) {
          throw new Error(`POST answered ${status}: ${JSON.stringify(body)}`);
        }
        return { correlationId, startedAt, tookMs: performance.now() - startedAt, refusals };
      }
    },
    status,
    async ended(correlationId) {
      const deadline = performance.now() + END_WITHIN_MS;
      for (;;) {
        const { job } = await status(correlationId);
        if (isEndState(job.state)) return job;
        if (performance.now() > deadline) throw new Error(`the job is still ${job.state}: ${JSON.stringify(job)}`);
        await delay(LOOK_EVERY_MS);
      }
    },
    async cancel(correlationId) {
      const answer = await client.post(`${apiUrl}/apollo/files/copy/${correlationId}/cancel`, {});
      if (answer.status !== 200) throw new Error(`cancel answered ${answer.status}: ${JSON.stringify(answer.body)}`);
    },
  };
}
