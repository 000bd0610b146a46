import { isDeepStrictEqual } from 'node:util';
import type { Client } from '@temporalio/client';
import { LRUCache } from 'lru-cache';
import type { Logger } from '../../config/logger.ts';
import { FILES_QUERY, STATUS_QUERY } from '../../contract/ids.ts';
import type {
  CollectionLocation,
  FileRecord,
  FilesPage,
  FilesQuery,
  JobStatus,
  LiveStatus,
} from '../../contract/messages.ts';
import { DEADLINES, within } from './deadlines.ts';
import type { PageRequest } from './job-service.ts';

/** After a job's query went unanswered, for so long (in milliseconds) no other one of that job is waited for. */
const UNANSWERED_FOR_MS = 3_000;

/** A page that takes several queries is read so often at most, until the job has not changed meanwhile. */
const MAX_LOOKS = 3;

/** Jobs that are remembered as unanswered; past it the oldest is forgotten. */
const MAX_UNANSWERED = 10_000;

/** After so many queries of one list have gone unanswered, the rest of that list is told without any. */
const MOST_UNANSWERED_OF_A_LIST = 3;

/** What has come of the queries for jobs that are told of in one list. */
export interface ListQueries {
  unanswered: number;
}

/** Whose workflow is asked; the current run, or one that is closed. */
export interface WorkflowRun {
  correlationId: string;
  runId?: string | undefined;
}

/** What a job's files are, wherever that comes from. */
export interface JobView {
  status: JobStatus;
  collections: CollectionLocation[];
  page: { files: FileRecord[]; totalCount: number; next: number | null };
}

/** Asks workflows how they stand, which a worker answers. Where none does, that is remembered for a while. */
export class JobQueries {
  readonly #client: Client;
  readonly #queryMs: number;
  readonly #log: Logger;
  /** Jobs of which no query is tried for now. One slow answer says nothing about other jobs, and a few about their list alone. */
  readonly #unanswered = new LRUCache<string, true>({ max: MAX_UNANSWERED, ttl: UNANSWERED_FOR_MS });

  /** `queryMs`: how long an answer is waited for, in milliseconds. */
  constructor({
    client,
    queryMs = DEADLINES.query,
    log,
  }: {
    client: Client;
    queryMs?: number | undefined;
    log: Logger;
  }) {
    this.#client = client;
    this.#queryMs = queryMs;
    this.#log = log;
  }

  /** How the job stands; `list`: of the list that it is asked for. Undefined: no worker answers. */
  async status(run: WorkflowRun, list?: ListQueries): Promise<LiveStatus | undefined> {
    return await this.#query<LiveStatus>(run, STATUS_QUERY, { list });
  }

  /** Its files, of which `request` tells which. Undefined: no worker answers. */
  async view(run: WorkflowRun, request: PageRequest): Promise<JobView | undefined> {
    for (let look = 1; ; look += 1) {
      const pages = await this.#pages(run, request);
      const last = pages?.at(-1);
      if (pages === undefined || last === undefined) return undefined;
      const { status, collections, totalCount, next } = last;
      const isOneLook = pages.every((page) => isDeepStrictEqual(page.status, status));
      if (!isOneLook && look < MAX_LOOKS) continue;
      return { status, collections, page: { files: pages.flatMap(({ files }) => files), totalCount, next } };
    }
  }

  /** As many answers as the page needs: one, unless its names are very long. */
  async #pages(run: WorkflowRun, { from, limit, ...filter }: PageRequest): Promise<FilesPage[] | undefined> {
    const pages: FilesPage[] = [];
    for (let next: number | null = from, left = limit; next !== null && left > 0;) {
      const query: FilesQuery = { ...filter, from: next, limit: left };
      const page: FilesPage | undefined = await this.#query<FilesPage>(run, FILES_QUERY, { args: [query] });
      if (page === undefined) return undefined;
      pages.push(page);
      next = page.next;
      left -= page.files.length;
    }
    return pages;
  }

  async #query<T>(
    { correlationId, runId }: WorkflowRun,
    query: string,
    { args = [], list }: { args?: unknown[]; list?: ListQueries | undefined } = {},
  ): Promise<T | undefined> {
    if (this.#unanswered.has(correlationId)) return undefined;
    if (list !== undefined && list.unanswered >= MOST_UNANSWERED_OF_A_LIST) return undefined;
    try {
      return await within(this.#client, this.#queryMs, () =>
        this.#client.workflow.getHandle(correlationId, runId).query<T, unknown[]>(query, ...args),
      );
    } catch (error) {
      this.#unanswered.set(correlationId, true);
      if (list !== undefined) list.unanswered += 1;
      this.#log.warn({ err: error, correlationId, query }, 'no worker answered a query; the record is read instead');
      return undefined;
    }
  }
}
