import type { Overwrite } from '../../../contract/messages.ts';
import type { FileState } from '../../../contract/states.ts';
import { isEndState } from '../../../contract/states.ts';
import { CONTROL_BUCKET, type Stack } from '../../../dev/stack.ts';
import { lockName } from '../../../storage/lock-names.ts';
import type { Matcher, StorageProxy } from '../../support/storage-proxy/index.ts';
import { httpTo, type Answer, type CopyBody, type Http, type JobBody, type LogsBody, type TrackBody } from './http.ts';
import { until } from './until.ts';

/** A file of a request: its name, or its name here and there. */
export type FileName = string | readonly [fileName: string, destinationFileName: string];

/** Whether a request to storage is one of those that are meant. */
type RequestTest = Extract<Matcher, (...args: never[]) => unknown>;

interface Parts {
  stack: Stack;
  proxy: StorageProxy;
}

interface AnswerOptions {
  id?: string;
  overwrite?: Overwrite;
}

interface EndOptions {
  within?: number;
  /** Goes on asking while the API answers 503. */
  through503?: boolean;
}

/** Folders of the bucket that a caller's two collections are in. */
const FROM = 'from/';
const TO = 'to/';

/** What tests look at in a report. */
interface ReportRow {
  fileName: string;
  state: FileState;
}

let callers = 0;

/** Somebody with a token, a bucket of their own, and two collections in it: one to copy from and one to copy to. */
export class Caller {
  readonly name: string;
  readonly bucket: string;
  readonly sourceId: string;
  readonly destinationId: string;
  readonly http: Http;
  readonly #parts: Parts;

  private constructor(name: string, http: Http, parts: Parts) {
    this.name = name;
    this.bucket = `${name}-files`;
    this.sourceId = `${name}-source`;
    this.destinationId = `${name}-destination`;
    this.http = http;
    this.#parts = parts;
  }

  static async make(parts: Parts): Promise<Caller> {
    callers += 1;
    const name = `caller-${callers}`;
    const token = await parts.stack.token({ sub: name });
    const caller = new Caller(name, httpTo(parts.stack.apiUrl, token), parts);
    await caller.grant({ read: [name], write: [name] });
    return caller;
  }

  /** Puts the two collections' documents, with these callers in their access lists. */
  async grant({ read, write }: { read: string[]; write: string[] }): Promise<void> {
    const { bucket, sourceId, destinationId } = this;
    const { emulator } = this.#parts.stack;
    const collection = (collectionId: string, prefix: string, acl: object) =>
      emulator.putCollection({ collectionId, collectionName: collectionId, bucket, prefix, acl });
    await collection(sourceId, FROM, { readonly: read });
    await collection(destinationId, TO, { readwrite: write });
  }

  /** The same requests, sent with another token. */
  async actingAs(sub: string, scopes?: readonly string[]): Promise<Caller> {
    const { stack } = this.#parts;
    const token = await stack.token({ sub, ...(scopes && { scopes }) });
    return new Caller(this.name, httpTo(stack.apiUrl, token), this.#parts);
  }

  /** Puts a file into the source collection. */
  async put(fileName: string, content: string | Uint8Array = `content of ${fileName}`, contentType = 'text/plain') {
    await this.#parts.stack.emulator.putObject(this.bucket, FROM + fileName, content, { contentType });
  }

  /** Makes files in the source collection, and gives their names. */
  async files(count: number, prefix = 'file'): Promise<string[]> {
    const names = Array.from({ length: count }, (_, index) => `${prefix}-${String(index).padStart(4, '0')}.txt`);
    for (let next = 0; next < count; next += 16) {
      await Promise.all(names.slice(next, next + 16).map((name) => this.put(name)));
    }
    return names;
  }

  /** Puts a file where a copy would go. */
  async putAtDestination(fileName: string, content: string): Promise<void> {
    await this.#parts.stack.emulator.putObject(this.bucket, TO + fileName, content);
  }

  /** What is at the destination, as storage says; undefined: nothing. */
  async stored(fileName: string) {
    return await this.#parts.stack.emulator.statObject(this.bucket, TO + fileName);
  }

  /** The text at the destination; undefined: nothing is there. */
  async content(fileName: string): Promise<string | undefined> {
    const bytes = await this.#parts.stack.emulator.getObject(this.bucket, TO + fileName);
    return bytes === undefined ? undefined : Buffer.from(bytes).toString();
  }

  /** The locks there are on this caller's files, whoever holds them. */
  async locks(): Promise<string[]> {
    return await this.#parts.stack.emulator.listObjects(CONTROL_BUCKET, `locks/${this.bucket}/`);
  }

  /** Name of the lock object of a destination file. */
  lockOf(fileName: string): string {
    return lockName({ bucket: this.bucket, name: TO + fileName });
  }

  /** How often each destination file has been written. */
  writes(fileNames: readonly string[]): number[] {
    return fileNames.map((fileName) => this.#parts.proxy.writes(this.bucket, TO + fileName));
  }

  /** The requests that write destination files: of one file, or all. */
  rewrites(fileName?: string | RegExp): RequestTest {
    return this.#requests('rewrite', TO, fileName);
  }

  /** The requests that read the state of source files: of one file, or all. */
  sourceStats(fileName?: string | RegExp): RequestTest {
    return this.#requests('stat', FROM, fileName);
  }

  #requests(wanted: 'rewrite' | 'stat', prefix: string, fileName: string | RegExp = /^/): RequestTest {
    return ({ operation, bucket, name }) => {
      if (operation !== wanted || bucket !== this.bucket || !name.startsWith(prefix)) return false;
      const rest = name.slice(prefix.length);
      return typeof fileName === 'string' ? rest === fileName : fileName.test(rest);
    };
  }

  /** The body of a POST for these files. */
  request(fileNames: readonly FileName[], overwrite?: Overwrite) {
    return {
      copyFileCollectionData: fileNames.map((file) => {
        const [fileName, destinationFileName] = typeof file === 'string' ? [file] : file;
        return {
          sourceCollectionId: this.sourceId,
          destinationCollectionId: this.destinationId,
          fileName,
          ...(destinationFileName !== undefined && { destinationFileName }),
        };
      }),
      ...(overwrite !== undefined && { options: { overwrite } }),
    };
  }

  /** POSTs a request for these files. */
  async copy(fileNames: readonly FileName[], { id, overwrite }: AnswerOptions = {}): Promise<Answer<CopyBody>> {
    return await this.http.post('/apollo/files/copy', this.request(fileNames, overwrite), identified(id));
  }

  /** POSTs a request, again where a busy machine has not decided it in 5 s, and gives the decision. */
  async decided(fileNames: readonly FileName[], { id, overwrite }: AnswerOptions = {}): Promise<Answer<CopyBody>> {
    return await this.decidedPost('/apollo/files/copy', this.request(fileNames, overwrite), id);
  }

  /** The same on any route that starts a job, with any body. */
  async decidedPost(path: string, content: unknown, id?: string): Promise<Answer<CopyBody>> {
    let correlationId = id;
    const post = async () => {
      const answer = await this.http.post<CopyBody>(path, content, identified(correlationId));
      if (answer.status !== 202) return answer;
      correlationId = answer.body.data.CorrelationId;
      return undefined;
    };
    return await until('the request is decided', post);
  }

  /** POSTs a request that is to be accepted, and gives its correlation id. */
  async start(fileNames: readonly FileName[], options: AnswerOptions = {}): Promise<string> {
    const { status, body } = await this.decided(fileNames, options);
    if (status !== 200) throw new Error(`POST was answered ${status}: ${JSON.stringify(body)}`);
    return body.data.CorrelationId;
  }

  async logs(id: string, query: Record<string, string> = {}, headers: Record<string, string> = {}) {
    const search = new URLSearchParams({ correlationId: id, limit: '1000', ...query });
    return await this.http.get<LogsBody>(`/apollo/status/logs?${search.toString()}`, headers);
  }

  async track(id: string): Promise<Answer<TrackBody>> {
    return await this.http.get(`/apollo/files/track/${id}`);
  }

  async cancel(id: string): Promise<Answer<JobBody>> {
    return await this.http.post(`/apollo/files/copy/${id}/cancel`);
  }

  async pause(id: string): Promise<Answer<JobBody>> {
    return await this.http.post(`/apollo/files/copy/${id}/pause`);
  }

  async resume(id: string): Promise<Answer<JobBody>> {
    return await this.http.post(`/apollo/files/copy/${id}/resume`);
  }

  /** Asks for a new job of what this one did not get done, and gives the decision. */
  async retry(id: string, newId?: string): Promise<Answer<CopyBody>> {
    return await this.decidedPost(`/apollo/files/copy/${id}/retry`, undefined, newId);
  }

  /** The rows of a job's report. */
  async report(id: string): Promise<ReportRow[]> {
    const text = await this.http.text(`/apollo/files/copy/${id}/report?format=ndjson`);
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as ReportRow);
  }

  /** Waits until the job's end is visible, and gives its logs. */
  async ended(id: string, { within = 60_000, through503 = false }: EndOptions = {}): Promise<LogsBody> {
    let last = '';
    const look = async () => {
      const { status, body } = await this.logs(id, { limit: '1' });
      last = `${status}, ${JSON.stringify(status === 200 ? body.job : body)}`;
      if (status === 200) return isEndState(body.job.state);
      if (status === 503 && through503) return false;
      throw new Error(`logs of ${id} were answered ${last}`);
    };
    await until(`the end of job ${id}`, look, { within, every: 100 }).catch((error: unknown) => {
      throw new Error(`${String(error)}; the last answer was ${last}`);
    });
    return (await this.logs(id)).body;
  }

  /** Copies these files and gives the logs of the ended job. */
  async copied(fileNames: readonly FileName[], options: AnswerOptions = {}): Promise<LogsBody> {
    return await this.ended(await this.start(fileNames, options));
  }
}

/** The headers of a POST that brings its own correlation id, or none. */
function identified(id: string | undefined): Record<string, string> {
  return id === undefined ? {} : { 'x-correlation-id': id };
}

/** The states of a job's files, by file name. */
export function fileStates({ data }: LogsBody): Record<string, FileState> {
  return Object.fromEntries(data.map(({ payload, state }) => [payload.fileName, state]));
}
