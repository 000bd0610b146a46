import { setTimeout as delay } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import type { PartError } from '../dev/part.ts';
import { CONTROL_BUCKET, startStack, type Stack } from '../dev/stack.ts';
import { checkJob } from './checks/check-job.ts';
import { checkLocks } from './checks/check-locks.ts';
import { checkStorage } from './checks/check-storage.ts';
import { describeJobs } from './checks/describe-jobs.ts';
import type { Evidence, JobEvidence } from './checks/evidence.ts';
import { finalAnswers } from './checks/final-answers.ts';
import { createDisturbances } from './disturbances.ts';
import { WriteIndex, type JobAccount } from './jobs/account.ts';
import { chaosApi, type ChaosApi } from './jobs/api.ts';
import { carryOut, type Surroundings } from './jobs/caller.ts';
import { CALLERS, DESTINATION_BUCKET, planJob, SOURCE_BUCKET, type JobPlan } from './jobs/plan.ts';
import { putDestinations } from './jobs/request.ts';
import { createRandom } from './random.ts';
import type { ChaosSettings } from './settings.ts';
import { startChaosStorage, type ChaosStorage } from './storage/storage.ts';
import type { Violation } from './violation.ts';

/** What a run came to. */
export interface ChaosResult {
  seed: number;
  violations: Violation[];
  /** Figures of the run, by name. */
  figures: [name: string, count: number][];
  /** What is known of each job, in words, by its correlation id. */
  jobs: ReadonlyMap<string, string>;
}

/** Makes a run: the whole stack, jobs on it, everything that goes wrong, and what is found in the end. */
export async function runChaos(settings: ChaosSettings): Promise<ChaosResult> {
  const random = createRandom(settings.seed);
  const buckets = [CONTROL_BUCKET, SOURCE_BUCKET, DESTINATION_BUCKET];
  const storage = await startChaosStorage(random.part('storage'), buckets);
  const deaths: PartError[] = [];
  let stack: Stack | undefined;
  let connection: Connection | undefined;
  try {
    putDestinations(storage);
    stack = await startStack({
      anyPorts: true,
      keepWorkflows: true,
      quickDeletes: true,
      storageUrl: () => storage.url,
      onDeath: (error) => deaths.push(error),
    });
    connection = Connection.lazy({ address: stack.temporalAddress });
    const result = await new Run(settings, storage, stack, new Client({ connection })).toEnd();
    const ended = deaths.map((error): Violation => ({ kind: 'answer', job: undefined, what: error.message }));
    return { ...result, violations: [...result.violations, ...ended] };
  } finally {
    await connection?.close();
    await stack?.stop();
    await storage.close();
  }
}

class Run {
  readonly #settings: ChaosSettings;
  readonly #storage: ChaosStorage;
  readonly #stack: Stack;
  readonly #temporal: Client;
  readonly #random;
  readonly #accounts: JobAccount[] = [];
  readonly #writes: WriteIndex;
  readonly #apis = new Map<string, ChaosApi>();

  constructor(settings: ChaosSettings, storage: ChaosStorage, stack: Stack, temporal: Client) {
    this.#settings = settings;
    this.#storage = storage;
    this.#stack = stack;
    this.#temporal = temporal;
    this.#random = createRandom(settings.seed);
    this.#writes = new WriteIndex(storage.writes);
  }

  async toEnd(): Promise<ChaosResult> {
    const { seed, forMs, settleMs, workers, pauseMs, silenceMs } = this.#settings;
    const stack = this.#stack;
    const parts = [stack.worker];
    while (parts.length < workers) {
      const part = await stack.addWorker(`Worker ${parts.length + 1}`);
      await part.start();
      parts.push(part);
    }
    for (const caller of CALLERS) this.#apis.set(caller, chaosApi(stack.apiUrl, await stack.token({ sub: caller })));

    const disturbances = createDisturbances(this.#random.part('disturbances'), {
      ...{ workers: parts, api: stack.api, temporal: stack.temporal, storage: this.#storage, pauseMs, silenceMs },
    });
    const over = AbortSignal.timeout(forMs);
    const waitedFor = AbortSignal.timeout(forMs + settleMs);
    await Promise.all([disturbances.run(over), this.#postJobs(over, waitedFor)]);

    const evidence = await this.#gather(performance.now() + settleMs / 2);
    const violations = [
      ...this.#accounts.flatMap(({ violations }) => violations),
      ...evidence.jobs.flatMap((job) => checkJob(job, evidence.jobs, evidence)),
      ...checkStorage(evidence),
      ...(await this.#checkLocks()),
    ];
    return { seed, violations, figures: this.#figures(disturbances.counts, evidence), jobs: describeJobs(evidence) };
  }

  /** Has jobs under way until the time is over, and waits for their ends. */
  async #postJobs(over: AbortSignal, waitedFor: AbortSignal): Promise<void> {
    const { jobsAtOnce, lengths } = this.#settings;
    const planning = this.#random.part('plans');
    const around: Surroundings = {
      storage: this.#storage,
      writes: this.#writes,
      temporal: this.#temporal,
      apiOf: (plan) => this.#apiOf(plan),
      accounts: this.#accounts,
      signal: waitedFor,
    };
    let number = 0;
    const oneAfterAnother = async () => {
      while (!over.aborted) {
        number += 1;
        const plan = planJob(planning, number, lengths);
        await carryOut(plan, this.#random.part(`job ${number}`), around);
        await delay(50);
      }
    };
    await Promise.all(Array.from({ length: jobsAtOnce }, oneAfterAnother));
  }

  #apiOf({ caller }: JobPlan): ChaosApi {
    const api = this.#apis.get(caller);
    if (api === undefined) throw new Error(`${caller} has no token`);
    return api;
  }

  async #gather(until: number): Promise<Evidence> {
    const jobs: JobEvidence[] = [];
    const asking = {
      apiOf: (plan: JobPlan) => this.#apiOf(plan),
      writes: this.#writes,
      until,
    };
    const waiting = [...this.#accounts];
    const ask = async () => {
      for (let account = waiting.shift(); account !== undefined; account = waiting.shift()) {
        jobs.push({ account, final: await finalAnswers(account, asking) });
      }
    };
    await Promise.all(Array.from({ length: 4 }, ask));
    // Again in the order in which they were posted.
    jobs.sort((one, other) => one.account.postedAt - other.account.postedAt);
    return {
      jobs,
      writes: this.#storage.writes,
      index: this.#writes,
      contentOf: (to) => {
        const [bucket = '', ...name] = to.split('/');
        return this.#storage.get(bucket, name.join('/'));
      },
    };
  }

  async #checkLocks(): Promise<Violation[]> {
    const tried = this.#accounts.find(({ plan }) => plan.files[0]?.content !== undefined);
    if (tried === undefined) return [];
    const { plan } = tried;
    const source = { collectionId: plan.sourceCollectionId, fileName: plan.files[0]?.entry.fileName ?? '' };
    return await checkLocks({
      ...{ storage: this.#storage, accounts: this.#accounts, api: this.#apiOf(plan), source },
    });
  }

  #figures(disturbances: ReadonlyMap<string, number>, { jobs }: Evidence): [string, number][] {
    const ends = Map.groupBy(jobs, ({ final }) => final.told?.job.state ?? 'never taken');
    const files = jobs.reduce((sum, { final }) => sum + (final.told?.files.length ?? 0), 0);
    const ended = [...ends].sort(([one], [other]) => one.localeCompare(other));
    return [
      ...disturbances,
      ['requests to storage that went wrong', this.#storage.faults],
      ['jobs', jobs.length],
      ...ended.map(([state, those]): [string, number] => [`  ${state}`, those.length]),
      ['files', files],
      ['copies made', this.#storage.writes.length],
      [
        'files told as before while no worker answered',
        this.#accounts.reduce((sum, one) => sum + one.timesToldLess, 0),
      ],
      [
        'copies of terminated jobs, written over before anybody looked',
        this.#accounts.reduce((sum, one) => sum + one.unrecognised.size, 0),
      ],
    ];
  }
}
