import type { Scheduler } from 'fast-check';
import { pino } from 'pino';
import type { JobDirectory } from '../../../../activities/index.ts';
import type { LockClock } from '../../../../activities/locks/lock-clock.ts';
import { LockSet, type Wanted } from '../../../../activities/locks/lock-set.ts';
import { LockedPlaces } from '../../../../activities/locks/locked-places.ts';
import { createStalenessCheck } from '../../../../activities/locks/stale-locks.ts';
import type { JobOwner } from '../../../../contract/messages.ts';
import { isStorageError, StorageError } from '../../../../storage/errors.ts';
import { lockName } from '../../../../storage/lock-names.ts';
import { overlap, type LockTarget } from '../../../../storage/lock-targets.ts';
import { LockStore } from '../../../../storage/locks.ts';
import type { ObjectRef } from '../../../../storage/objects.ts';
import { ModelBucket, objectsOver, type Wire } from './model-objects.ts';

/**
 * What goes wrong with one request of a job, counted from 0; `arrives`: storage carries it out all the same. A job that
 * needs fewer requests to be admitted crashes after that.
 */
export interface Fault {
  at: number;
  kind: 'answer lost' | 'crash';
  arrives: boolean;
}

export interface JobPlan {
  wanted: Wanted;
  fault?: Fault | undefined;
  /** Does without the targets that others hold, or (`within`) without what they hold of each. Default: takes all or none. */
  skips?: boolean | 'within';
  /** Gives its locks back some time after it was admitted. */
  ends?: boolean;
}

/** `idle`: not begun. `admitted`: may write what it holds. `over`: admitted, and giving its locks back or past that. */
type Phase = 'idle' | 'deciding' | 'admitted' | 'over' | 'refused' | 'dead';

const CONTROL_BUCKET = 'control';
const NEVER = new Promise<never>(() => undefined);

/** One job; what it has come to. */
export class ModelJob {
  readonly owner: JobOwner;
  readonly wanted: Wanted;
  phase: Phase = 'idle';
  /** What it may write, once admitted. */
  holds: readonly LockTarget[] = [];
  /** What others held as it was admitted: it neither reads nor writes there. */
  others: readonly LockTarget[] = [];
  beganAt = Number.POSITIVE_INFINITY;
  admittedAt = Number.POSITIVE_INFINITY;
  requests = 0;
  attempts = 0;

  constructor(correlationId: string, wanted: Wanted) {
    this.owner = { kind: 'job', correlationId, firstRunId: 'first', namespace: 'default' };
    this.wanted = wanted;
  }

  mayWrite(object: ObjectRef): boolean {
    return this.holds.some((target) => overlap(target, object)) && !new LockedPlaces(this.others).cover(object);
  }

  /** Nothing, where it writes nothing. */
  mayRead(object: ObjectRef): boolean {
    if (this.holds.length === 0 || new LockedPlaces(this.others).cover(object)) return false;
    return this.wanted.sources.some((source) => overlap(source, object));
  }
}

/**
 * Jobs that take locks in one bucket. Each of their requests waits for its turn, which the scheduler chooses. Time:
 * with `fair`, it passes only when all requests are answered; otherwise pauses end in any order too.
 */
export class World {
  readonly jobs: ModelJob[] = [];
  readonly #scheduler: Scheduler;
  readonly #fair: boolean;
  readonly #bucket = new ModelBucket(() => this.#now);
  readonly #timers: { due: number; fire: () => void }[] = [];
  readonly #failures: unknown[] = [];
  #now = 0;
  #step = 0;

  constructor(scheduler: Scheduler, { fair }: { fair: boolean }) {
    this.#scheduler = scheduler;
    this.#fair = fair;
  }

  /** Adds a job that begins at some time; after the death of another one, where one is given. */
  add(plan: JobPlan, { after }: { after?: ModelJob } = {}): ModelJob {
    const job = new ModelJob(`job ${this.jobs.length}`, plan.wanted);
    this.jobs.push(job);
    const begun = async () => {
      do await this.#turn(`${job.owner.correlationId} begins`);
      while (after !== undefined && after.phase !== 'dead');
      await this.#live(job, plan);
    };
    begun().catch((error: unknown) => this.#failures.push(error));
    return job;
  }

  async #live(job: ModelJob, { skips = false, ends = false, fault }: JobPlan): Promise<void> {
    job.phase = 'deciding';
    job.beganAt = this.#step;
    const wire = this.#wire(job, fault);
    const set = await this.#decide(job, wire, skips);
    if (set === undefined) {
      job.phase = 'refused';
      if (this.locksOf(job).length > 0) throw new Error(`${job.owner.correlationId} was refused and left locks behind`);
      return;
    }
    job.phase = 'admitted';
    job.admittedAt = this.#step;
    if (!ends && fault?.kind !== 'crash') return;
    await this.#turn(`${job.owner.correlationId} writes`);
    if (fault?.kind === 'crash') {
      // It came so far; its locks are still in place.
      job.phase = 'dead';
      return;
    }
    job.phase = 'over';
    await persistently(() => set.release(job.wanted.targets));
  }

  async #decide(job: ModelJob, wire: Wire, skips: JobPlan['skips']): Promise<LockSet | undefined> {
    const { owner, wanted } = job;
    const locks = new LockStore(objectsOver(wire, this.#bucket), CONTROL_BUCKET);
    const directory: JobDirectory = {
      namespace: 'default',
      find: () => Promise.reject(new Error('nobody asks for that')),
      filesOf: () => Promise.reject(new Error('nobody asks for that')),
      reconcile: () => Promise.resolve(),
      stateOf: ({ correlationId }: JobOwner) =>
        wire(`ask about ${correlationId}`, () => {
          const asked = this.jobs.find((other) => other.owner.correlationId === correlationId);
          return asked?.phase === 'dead' ? 'ended' : 'running';
        }),
    };
    return await persistently(async () => {
      const isStale = createStalenessCheck({ jobs: directory, log: pino({ enabled: false }), clock: this.#clock });
      job.attempts += 1;
      const attempt = { lease: { check: () => undefined, isLost: false }, attemptAt: job.attempts };
      const set = new LockSet({ locks, owner, isStale, ...attempt, clock: this.#clock });
      if (skips === 'within') {
        job.others = await set.takeTheRest(wanted);
        job.holds = wanted.targets.filter((target) => set.heldOn(target) !== undefined);
        return set;
      }
      if (skips !== true) {
        job.holds = wanted.targets;
        return (await set.takeAll(wanted)) ? set : undefined;
      }
      await set.takeEach(wanted);
      const isRead = wanted.sources.every((source) => set.inTheWayOf(source).length === 0);
      job.holds = wanted.targets.filter((target) => isRead && set.inTheWayOf(target).length === 0);
      await set.release(wanted.targets.filter((target) => !job.holds.includes(target)));
      return set;
    });
  }

  #wire(job: ModelJob, fault: Fault | undefined): Wire {
    return async (label, carryOut) => {
      // Whoever is dead sends nothing more; what was under way arrives at any time.
      if (job.phase === 'dead') return await NEVER;
      const faulty = fault !== undefined && fault.at === job.requests ? fault : undefined;
      job.requests += 1;
      if (faulty?.kind === 'crash') job.phase = 'dead';
      await this.#turn(`${job.owner.correlationId}: ${label}`);
      if (faulty === undefined) return carryOut();
      if (faulty.arrives) carryOut();
      if (faulty.kind === 'crash') return await NEVER;
      throw new StorageError('unavailable', 'no answer');
    };
  }

  async #turn(label: string): Promise<void> {
    await this.#scheduler.schedule(Promise.resolve(), label);
  }

  readonly #clock: LockClock = {
    now: () => this.#now,
    elapsed: () => this.#now,
    pause: async (ms) => {
      const due = this.#now + ms;
      if (this.#fair) {
        await new Promise<void>((resolve) => this.#timers.push({ due, fire: resolve }));
      } else {
        await this.#turn('a pause ends');
        this.#now = Math.max(this.#now, due);
      }
    },
  };

  /** Lets everything happen, and sees after each step that nothing is wrong. Throws where something is. */
  async run(): Promise<void> {
    for (;;) {
      // Everybody comes to the next request.
      await new Promise((resolve) => setImmediate(resolve));
      if (this.#failures.length > 0) throw this.#failures[0];
      this.#check();
      this.#step += 1;
      if (this.#scheduler.count() > 0) {
        await this.#scheduler.waitNext(1);
        continue;
      }
      const [next] = this.#timers.sort((one, other) => one.due - other.due);
      if (next === undefined) break;
      this.#timers.shift();
      this.#now = Math.max(this.#now, next.due);
      next.fire();
    }
    const stuck = this.jobs.filter(({ phase }) => phase === 'idle' || phase === 'deciding');
    if (stuck.length > 0) throw new Error(`never decided: ${stuck.map(({ owner }) => owner.correlationId).join(', ')}`);
  }

  #check(): void {
    const admitted = this.in('admitted');
    // Of two targets that overlap, the object that is called as one of them belongs to both.
    const targets = this.jobs.flatMap(({ wanted }) => [...wanted.targets, ...wanted.sources]);
    const objects = targets.map(({ bucket, ...rest }) => ({ bucket, name: 'name' in rest ? rest.name : rest.prefix }));
    for (const job of admitted) {
      const lost = job.holds.filter((target) => this.#holderOf(target) !== job.owner.correlationId);
      if (lost.length > 0) throw new Error(`${job.owner.correlationId} lost ${lost.map(lockName).join(', ')}`);
      for (const other of admitted) {
        if (other === job) continue;
        const pair = `${job.owner.correlationId} and ${other.owner.correlationId}`;
        if (objects.some((object) => job.mayWrite(object) && other.mayWrite(object))) {
          throw new Error(`${pair} write the same`);
        }
        if (!objects.some((object) => job.mayRead(object) && other.mayWrite(object))) continue;
        if (other.admittedAt < job.beganAt) throw new Error(`${pair}: one reads what the other was writing already`);
        if (objects.some((object) => job.mayWrite(object) && other.mayRead(object))) {
          throw new Error(`${pair} read what the other writes`);
        }
      }
    }
  }

  #holderOf(target: LockTarget): string | undefined {
    return this.#bucket.get(lockName(target))?.metadata['correlationId'];
  }

  /** Jobs that have come to this. */
  in(phase: Phase): ModelJob[] {
    return this.jobs.filter((job) => job.phase === phase);
  }

  /** Names of the locks that a job left or holds. */
  locksOf({ owner }: ModelJob): string[] {
    const own = this.#bucket.all.filter(({ metadata }) => metadata['correlationId'] === owner.correlationId);
    return own.map(({ name }) => name).sort();
  }
}

/** Tries until an attempt is answered, as Temporal does. */
async function persistently<T>(attempt: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (!isStorageError(error, 'unavailable')) throw error;
    }
  }
}
