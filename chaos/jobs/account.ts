import type { EndState } from '../../contract/states.ts';
import { isEndState, isFinalFileState, type FinalFileState } from '../../contract/states.ts';
import type { Write } from '../storage/write-log.ts';
import type { Violation, ViolationKind } from '../violation.ts';
import type { JobTold } from './api.ts';
import type { JobPlan } from './plan.ts';

/** Writes by the pair of objects, found as the log grows. */
export class WriteIndex {
  readonly #writes: readonly Write[];
  readonly #byPair = new Map<string, Write[]>();
  #seen = 0;

  constructor(writes: readonly Write[]) {
    this.#writes = writes;
  }

  /** The writes from one object to another, in their order. */
  of(from: string, to: string): readonly Write[] {
    for (; this.#seen < this.#writes.length; this.#seen += 1) {
      const write = this.#writes[this.#seen] as Write;
      const pair = `${write.from}\n${write.to}`;
      const known = this.#byPair.get(pair);
      if (known === undefined) this.#byPair.set(pair, [write]);
      else known.push(write);
    }
    return this.#byPair.get(`${from}\n${to}`) ?? [];
  }

  /** Whether what was written from one object to another was written over by another job. */
  isOverwritten(from: string, to: string): boolean {
    const own = this.of(from, to).at(-1)?.generation ?? Number.POSITIVE_INFINITY;
    return this.#writes.some((write) => write.to === to && write.from !== from && write.generation > own);
  }
}

/** Something that was told first at this time, in milliseconds since the epoch. */
export interface Told<State> {
  state: State;
  at: number;
}

/** What its caller was told of one job, in the order in which it was told. */
export class JobAccount {
  readonly id: string;
  readonly plan: JobPlan;
  /** The job that this one is the retry of. */
  readonly retryOf: JobAccount | undefined;
  /** Before the request was sent, in milliseconds since the epoch. */
  readonly postedAt: number;
  /** 200 or 202 was answered: from then on there has to be a job. */
  isAccepted = false;
  /** The answer that decided: 200, or what refused it. */
  decision: number | undefined;
  /** When it was, or may have been, terminated by force. */
  terminatedAt: number | undefined;
  end: Told<EndState> | undefined;
  /** By the destination. */
  readonly files = new Map<string, Told<FinalFileState>>();
  /** How often a file of the running job was told as it had been before. */
  timesToldLess = 0;
  /**
   * Copies that are not recognised any more: the job was ended by force before their results were stored, and the next
   * one wrote over them before anybody looked (docs/architecture.md, what remains).
   */
  readonly unrecognised = new Set<string>();
  readonly violations: Violation[] = [];

  constructor(plan: JobPlan, id: string, retry: { of?: JobAccount; postedAt?: number } = {}) {
    this.plan = plan;
    this.id = id;
    this.retryOf = retry.of;
    this.postedAt = retry.postedAt ?? Date.now();
  }

  violated(kind: ViolationKind, what: string): void {
    this.violations.push({ kind, job: this.id, what });
  }

  /** Takes in what the API says now, and holds it against what it said before and what storage has done by now. */
  take({ job, files }: JobTold, writes: WriteIndex): void {
    const at = Date.now();
    const isOver = isEndState(job.state);
    for (const { from, to, state, generation } of files) {
      const before = this.files.get(to);
      if (before !== undefined && !isFinalFileState(state) && (!isOver || job.state === 'Terminated')) {
        // No worker answers, or the job was ended by force and is not settled yet: the stored record tells what was
        // stored by then, which is less than was told before.
        this.timesToldLess += 1;
        continue;
      }
      const isCopyGone = before?.state === 'Completed' && state === 'Cancelled' && job.state === 'Terminated';
      if (isCopyGone && writes.isOverwritten(from, to)) this.unrecognised.add(to);
      else if (before !== undefined && before.state !== state) {
        this.violated('wrong', `${to} was ${before.state}, and is ${state} now`);
      }
      if (!isFinalFileState(state)) {
        // A job that was ended by force is settled a while later.
        if (isOver && job.state !== 'Terminated')
          this.violated('wrong', `${to} is ${state} in a job that is ${job.state}`);
        continue;
      }
      if (before !== undefined) continue;
      this.files.set(to, { state, at });
      const isWritten = writes.of(from, to).some((write) => String(write.generation) === generation);
      if (state === 'Completed' && !isWritten) {
        this.violated('wrong', `${to} is Completed as generation ${generation ?? 'null'}, which nobody has written`);
      }
    }
    if (this.end !== undefined && this.end.state !== job.state) {
      this.violated('wrong', `the job was ${this.end.state}, and is ${job.state} now`);
    }
    if (isEndState(job.state)) this.end ??= { state: job.state, at };
  }
}
