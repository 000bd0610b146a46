import type { Context } from '@temporalio/activity';
import type { Lease } from './lease.ts';

/**
 * Attempts in this process that their workflow stops together, if at all. Each would hear of it with its next heartbeat;
 * that many heartbeats of one workflow keep Temporal from writing down anything else of it. So one of them listens, and
 * what it hears is said to all.
 */
export class LeaseGroup {
  readonly #members = new Set<Lease>();
  readonly #onEmpty: () => void;
  #isStopped = false;

  constructor(onEmpty: () => void = () => undefined) {
    this.#onEmpty = onEmpty;
  }

  /** Whether one of them has heard that the job asks to stop. */
  get isStopped(): boolean {
    return this.#isStopped;
  }

  add(lease: Lease): void {
    this.#members.add(lease);
  }

  delete(lease: Lease): void {
    this.#members.delete(lease);
    if (this.#members.size === 0) this.#onEmpty();
  }

  /** The oldest of those that Temporal still answers is the one that listens. */
  isListener(lease: Lease): boolean {
    for (const member of this.#members) if (member.canListen) return member === lease;
    return false;
  }

  /** The job asks to stop: tells all who are there, and who joins while one of them is. */
  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    for (const member of [...this.#members]) member.stop();
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
