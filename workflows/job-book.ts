import type { FileOutcome } from '../activities/index.ts';
import type {
  AdmissionOutcome,
  Admission,
  CollectionLocation,
  CopyFilesInput,
  FileEntry,
  FileRecord,
  FilesPage,
  FilesQuery,
  JobStatus,
} from '../contract/messages.ts';
import { countFile, emptyCounts, endStateOf, isEndState, type JobCounts, type JobState } from '../contract/states.ts';
import { pageOf, requestedFile } from '../contract/file-records.ts';
import { reason } from '../contract/reasons.ts';

/** What a job knows of itself: its files, counts, state and decision. Plain bookkeeping; time is handed in. */
export class JobBook {
  readonly correlationId: string;
  readonly files: FileRecord[];
  collections: CollectionLocation[] = [];
  outcome: AdmissionOutcome | undefined;
  #state: JobState = 'Requested';
  #isPaused = false;
  readonly #counts: JobCounts;
  #startedAt: number | null = null;
  #endedAt: number | null = null;
  #message = '';
  #unsaved: FileRecord[] = [];
  readonly #input: CopyFilesInput;

  constructor(correlationId: string, input: CopyFilesInput) {
    this.correlationId = correlationId;
    this.#input = input;
    this.#counts = emptyCounts(input.request.entries.length);
    this.files = input.request.entries.map((entry, index) => requestedFile(entry, index, input.receivedAt));
  }

  /** What was asked for. */
  get entries(): FileEntry[] {
    return this.#input.request.entries;
  }

  get state(): JobState {
    return this.#state;
  }

  status(): JobStatus {
    return {
      correlationId: this.correlationId,
      state: this.#state,
      counts: { ...this.#counts },
      startedAt: this.#startedAt,
      endedAt: this.#endedAt,
      message: this.#message,
    };
  }

  /** Makes the decision known to whoever waits for it. */
  decide(admission: Admission): void {
    const { requestor, digest, request } = this.#input;
    this.outcome = { caller: requestor.caller, digest, requested: request.entries.length, admission };
  }

  /** The state as another job's record tells it, where this one has no right to its correlation id. */
  adopt(outcome: AdmissionOutcome, status: JobStatus): void {
    this.outcome = outcome;
    // What became of its files stands in that record; ours were never begun.
    this.files.length = 0;
    this.#startedAt = status.startedAt;
    this.end(status);
  }

  startProcessing(now: number): void {
    this.#startedAt = now;
    if (this.#state === 'Requested') this.#state = this.#isPaused ? 'Paused' : 'Processing';
  }

  /** True where this is what pauses the job. One that is not decided yet is paused once it is accepted. */
  pause(): boolean {
    if (this.#isPaused || this.isCancelling || isEndState(this.#state)) return false;
    this.#isPaused = true;
    if (this.#state === 'Processing') this.#state = 'Paused';
    return true;
  }

  /** True where this is what ends a pause. */
  resume(): boolean {
    if (!this.#isPaused || this.isCancelling || isEndState(this.#state)) return false;
    this.#isPaused = false;
    if (this.#state === 'Paused') this.#state = 'Processing';
    return true;
  }

  /** True where this is what makes the job stop; false where it is stopping or has ended already. */
  startCancelling(): boolean {
    if (this.#state === 'Cancelling' || isEndState(this.#state)) return false;
    this.#state = 'Cancelling';
    return true;
  }

  get isCancelling(): boolean {
    return this.#state === 'Cancelling';
  }

  startFile(file: FileRecord, now: number): void {
    file.state = 'Processing';
    file.history.push({ state: 'Processing', at: now });
  }

  /** Puts a file back whose copying was held before anything was written. */
  requeueFile(file: FileRecord, now: number): void {
    file.state = 'Requested';
    file.history.push({ state: 'Requested', at: now });
  }

  /** Writes what became of a file; each file once. */
  finishFile(file: FileRecord, outcome: FileOutcome, now: number): void {
    Object.assign(file, outcome);
    file.history.push({ state: outcome.state, at: now });
    countFile(this.#counts, outcome.state, outcome.size ?? 0);
    this.#unsaved.push(file);
  }

  /** Cancels every file that nothing was done about. */
  cancelRest(now: number): void {
    for (const file of this.files) {
      if (file.state === 'Requested') this.finishFile(file, cancelledOutcome(), now);
    }
  }

  /** What there is to say about the job while it waits; empty: nothing any more. */
  explain(message: string): void {
    this.#message = message;
  }

  get hasUnsaved(): boolean {
    return this.#unsaved.length > 0;
  }

  /** The records that are not stored yet; they count as stored from here on. */
  takeUnsaved(): FileRecord[] {
    const files = this.#unsaved;
    this.#unsaved = [];
    return files;
  }

  /** The status the job will end with, its files all settled. It is not the job's until `end`. */
  ending(now: number): JobStatus {
    const status = { ...this.status(), endedAt: now };
    if (this.#isAccepted) return { ...status, state: endStateOf(this.#counts) };
    return { ...status, state: 'Rejected', counts: { ...this.#counts, pending: 0 }, message: this.#refusal() };
  }

  end({ state, counts, endedAt, message }: JobStatus): void {
    this.#state = state;
    Object.assign(this.#counts, counts);
    this.#endedAt = endedAt;
    this.#message = message;
  }

  /** The decision; only asked for once there is one. */
  get admission(): Admission {
    if (this.outcome === undefined) throw new Error('the request is not decided yet');
    return this.outcome.admission;
  }

  get #isAccepted(): boolean {
    return this.outcome?.admission.decision === 'accepted';
  }

  #refusal(): string {
    const admission = this.outcome?.admission;
    switch (admission?.decision) {
      case 'forbidden':
        return admission.message;
      case 'invalid':
        return reason('INVALID_REQUEST', summarise(admission.errors.map(({ path, message }) => `${path} ${message}`)));
      case 'locked':
        return reason(
          'FILE_LOCKED',
          summarise(admission.files.map(({ collectionId, fileName }) => `${fileName} in ${collectionId} is locked`)),
        );
      case 'accepted':
      case undefined:
        return '';
    }
  }

  /** A page of files. A job that is not decided, or was refused, has none. */
  page(query: FilesQuery): FilesPage {
    return { ...pageOf(this.#isAccepted ? this.files : [], query), collections: this.collections };
  }
}

const CANCELLED = reason('CANCELLED', 'the job was cancelled before the file was copied');

/** What became of a file of which the job has nothing at the destination. */
export function outcomeWithout(
  state: 'Cancelled' | 'Failed' | 'Skipped',
  message: string,
  retryCount = 0,
): FileOutcome {
  return { state, message, size: null, crc32c: null, generation: null, sourceGeneration: null, retryCount };
}

export function cancelledOutcome(): FileOutcome {
  return outcomeWithout('Cancelled', CANCELLED);
}

/** The first few of many sentences. */
function summarise(sentences: string[]): string {
  const shown = sentences.slice(0, 3).join('; ');
  return sentences.length > 3 ? `${shown}; and ${sentences.length - 3} more` : shown;
}
