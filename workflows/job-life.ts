import type {
  Admission,
  AdmissionOutcome,
  CollectionLocation,
  CopyFilesInput,
  CopyRequest,
  JobStatus,
  LiveStatus,
  LockedFile,
} from '../contract/messages.ts';
import { endStateOf, isEndState, type JobCounts, type JobState } from '../contract/states.ts';
import { reason } from '../contract/reasons.ts';

/** What every job takes along when it continues as a new run. */
export interface CarriedLife {
  status: JobStatus;
  isPaused: boolean;
  outcome: AdmissionOutcome;
  collections: CollectionLocation[];
  recordGeneration?: string | undefined;
}

/**
 * What every job knows of itself, whatever it copies: state, decision, counts and times. Plain bookkeeping; time is
 * handed in.
 */
export class JobLife {
  readonly correlationId: string;
  /** Where its files are; known once it is decided. */
  collections: CollectionLocation[] = [];
  /** Settles with the decision. */
  readonly decided: Promise<AdmissionOutcome>;
  readonly #tellDecided: (outcome: AdmissionOutcome) => void;
  #outcome: AdmissionOutcome | undefined;
  /** Of the job's record, as its claim left it; undefined where that is not known. */
  recordGeneration: string | undefined;
  protected readonly counts: JobCounts;
  readonly #input: CopyFilesInput<CopyRequest>;
  #state: JobState = 'Requested';
  #isPaused = false;
  #startedAt: number;
  #endedAt: number | null = null;
  #message = '';

  constructor(
    correlationId: string,
    input: CopyFilesInput<CopyRequest>,
    counts: JobCounts,
    carried: CarriedLife | undefined,
  ) {
    this.correlationId = correlationId;
    this.#input = input;
    this.#startedAt = input.receivedAt;
    this.counts = carried === undefined ? counts : { ...carried.status.counts };
    const { promise, resolve } = Promise.withResolvers<AdmissionOutcome>();
    this.decided = promise;
    this.#tellDecided = resolve;
    if (carried === undefined) return;
    this.#know(carried.outcome);
    this.collections = carried.collections;
    this.recordGeneration = carried.recordGeneration;
    this.#state = carried.status.state;
    this.#message = carried.status.message;
    this.#isPaused = carried.isPaused;
  }

  #know(outcome: AdmissionOutcome): void {
    this.#outcome = outcome;
    this.#tellDecided(outcome);
  }

  /** What a further run of the same job goes on from. */
  carry(): CarriedLife {
    const outcome = this.#outcome;
    if (outcome === undefined) throw new Error('a job that is not decided has nothing to take along');
    const { isPaused, collections, recordGeneration } = this;
    return { status: this.status(), isPaused, outcome, collections, recordGeneration };
  }

  get state(): JobState {
    return this.#state;
  }

  status(): JobStatus {
    return {
      correlationId: this.correlationId,
      state: this.#state,
      counts: { ...this.counts },
      startedAt: this.#startedAt,
      endedAt: this.#endedAt,
      message: this.#message,
    };
  }

  /** The status, and what a caller needs to know besides to tell how the job stands at this moment. */
  live(): LiveStatus {
    return this.status();
  }

  /** `live()`, where it has changed since it was last asked for, and is to be told to those who describe the workflow. */
  news(): LiveStatus | undefined {
    return undefined;
  }

  /** Makes the decision known to whoever waits for it. `requested`: files asked for; null: not known yet. */
  decide(admission: Admission, requested: number | null): void {
    const { requestor, digest } = this.#input;
    this.#know({ caller: requestor.caller, digest, requested, admission });
  }

  /** The state as another job's record tells it, where this one has no right to its correlation id. */
  adopt(outcome: AdmissionOutcome, status: JobStatus): void {
    this.#know(outcome);
    this.#startedAt = status.startedAt;
    this.end(status);
  }

  startProcessing(): void {
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

  get isPaused(): boolean {
    return this.#isPaused;
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

  /** What there is to say about the job while it waits; empty: nothing any more. */
  explain(message: string): void {
    this.#message = message;
  }

  /** Whether there is something to say about it. */
  get isExplained(): boolean {
    return this.#message !== '';
  }

  /** The status the job will end with, its files all settled. It is not the job's until `end`. */
  ending(now: number): JobStatus {
    const status = { ...this.status(), endedAt: now };
    if (this.isAccepted) return { ...status, state: endStateOf(this.counts) };
    return { ...status, state: 'Rejected', counts: { ...this.counts, pending: 0 }, message: this.#refusal() };
  }

  end({ state, counts, endedAt, message }: JobStatus): void {
    this.#state = state;
    Object.assign(this.counts, counts);
    this.#endedAt = endedAt;
    this.#message = message;
  }

  /** The decision; only asked for once there is one. */
  get admission(): Admission {
    const admission = this.#outcome?.admission;
    if (admission === undefined || admission === null) throw new Error('the request is not decided');
    return admission;
  }

  get isAccepted(): boolean {
    return this.#outcome?.admission?.decision === 'accepted';
  }

  #refusal(): string {
    const admission = this.#outcome?.admission;
    switch (admission?.decision) {
      case 'forbidden':
        return admission.message;
      case 'invalid':
        return reason('INVALID_REQUEST', summarise(admission.errors.map(({ path, message }) => `${path} ${message}`)));
      case 'locked':
        return reason('FILE_LOCKED', summarise(admission.files.map(lockedText)));
      case 'accepted':
      case undefined:
        return '';
    }
  }
}

function lockedText({ collectionId, fileName, message }: LockedFile): string {
  if (message === undefined) return `${fileName} in ${collectionId} is locked`;
  return `${fileName === '' ? '' : `${JSON.stringify(fileName)} in `}${collectionId}: ${message}`;
}

/** The first few of many sentences. */
function summarise(sentences: string[]): string {
  const shown = sentences.slice(0, 3).join('; ');
  return sentences.length > 3 ? `${shown}; and ${sentences.length - 3} more` : shown;
}
