import type { Context } from '@temporalio/activity';
import type { Lease } from './lease.ts';

/** Between heartbeats of a group. The worker sends at most every 250 ms of one attempt. */
const HEARTBEAT_INTERVAL_MS = 200;

/**
 * Attempts in this process that their workflow stops together, if at all. Each would hear of it with its next heartbeat;
 * that many heartbeats of one workflow keep Temporal from writing down anything else of it. So one of them listens, and
 * what it hears is said to all.
 */
export class LeaseGroup {
  readonly #members = new Set<Lease>();
  readonly #onEmpty: () => void;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;
  #askedAt = Number.NEGATIVE_INFINITY;

  constructor(onEmpty: () => void = () => undefined) {
    this.#onEmpty = onEmpty;
  }

  /** Whether one of them has heard that the job asks to stop. */
  get isStopped(): boolean {
    return this.#isStopped;
  }

  add(lease: Lease): void {
    this.#members.add(lease);
    this.#timer ??= setInterval(() => {
      this.#beat();
    }, HEARTBEAT_INTERVAL_MS);
  }

  delete(lease: Lease): void {
    this.#members.delete(lease);
    if (this.#members.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#onEmpty();
  }

  /** Has the oldest of those listen that Temporal still answers, whenever they began; the others are kept alive. */
  #beat(): void {
    let isHeard = false;
    for (const member of this.#members) {
      const listens: boolean = !isHeard && member.canListen;
      isHeard ||= listens;
      member.beat(listens);
    }
  }

  /** The job asks to stop: tells all who are there, and who joins while one of them is. */
  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    for (const member of this.#members) member.stop();
  }

  /** Temporal does not know one of them any more: the job may have been ended by force, so each of them asks at once. */
  ask(): void {
    const now = performance.now();
    if (now - this.#askedAt < HEARTBEAT_INTERVAL_MS) return;
    this.#askedAt = now;
    for (const member of this.#members) if (member.canListen) member.beat(true);
  }
}

/** The groups of a process. */
export class LeaseGroups {
  readonly #groups = new Map<string, LeaseGroup>();

  /**
   * The group of what one run of a workflow has begun in this `round`: since it began, or was resumed for the so-manieth
   * time. Undefined: what begins is by itself.
   */
  of({ info }: Context, round: number | undefined): LeaseGroup {
    const { runId } = info.workflowExecution ?? {};
    if (runId === undefined || round === undefined) return new LeaseGroup();
    const key = `${runId}/${round}`;
    let group = this.#groups.get(key);
    if (group === undefined) {
      group = new LeaseGroup(() => {
        this.#groups.delete(key);
      });
      this.#groups.set(key, group);
    }
    return group;
  }
}
