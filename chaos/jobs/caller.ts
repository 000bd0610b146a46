import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type { Random } from '../random.ts';
import type { ChaosStorage } from '../storage/storage.ts';
import { JobAccount, type WriteIndex } from './account.ts';
import type { Answer, ChaosApi } from './api.ts';
import type { Action, JobPlan } from './plan.ts';
import { putSources, requestOf } from './request.ts';

/** What callers work with. */
export interface Surroundings {
  storage: ChaosStorage;
  writes: WriteIndex;
  temporal: Client;
  apiOf: (plan: JobPlan) => ChaosApi;
  /** Every job there is, as it comes to be. */
  accounts: JobAccount[];
  /** Aborted where nobody waits any longer. */
  signal: AbortSignal;
}

/** Answers that a caller has to be ready for while everything around the API comes and goes. */
const NOT_NOW = new Set([429, 503]);

/** Does one job from request to end: posts it, looks on, interferes as planned, and has the rest retried. */
export async function carryOut(plan: JobPlan, random: Random, around: Surroundings): Promise<void> {
  putSources(around.storage, plan);
  const body = requestOf(plan);
  const job = new CallersJob(new JobAccount(plan, plan.id), random, around);
  await Promise.all([job.post(body), ...(plan.isDoubled ? [job.post(body)] : [])]);
  await job.follow(plan.action);
  if (!plan.isRetried || job.account.end === undefined || job.account.end.state === 'Rejected') return;
  const retried = await job.retry();
  await retried?.follow(undefined);
}

function isRefusedWhereLocked({ options: { onLocked = 'reject' } }: JobPlan): boolean {
  return onLocked === 'reject';
}

/** Path and headers by which a job is posted. */
export function postOf({ id }: JobPlan): { path: string; headers: Record<string, string> } {
  return { path: '/apollo/files/copy', headers: { 'x-correlation-id': id } };
}

/** A job as its caller sees it. */
class CallersJob {
  readonly account: JobAccount;
  readonly #random: Random;
  readonly #around: Surroundings;
  readonly #api: ChaosApi;
  #isUnknown = false;

  constructor(account: JobAccount, random: Random, around: Surroundings) {
    this.account = account;
    this.#random = random;
    this.#around = around;
    this.#api = around.apiOf(account.plan);
    around.accounts.push(account);
  }

  async post(body: unknown): Promise<void> {
    const { path, headers } = postOf(this.account.plan);
    for (;;) {
      const answer = await this.#api.post(path, body, headers);
      if (answer !== undefined && !NOT_NOW.has(answer.status)) {
        this.#takePosted(answer);
        return;
      }
      // Some callers give up: whether there is a job then shows at the end.
      if (this.#random.chance(0.05) || !(await this.#pause(200, 1_500))) return;
    }
  }

  #takePosted({ status, body }: Answer): void {
    const { account } = this;
    const { plan } = account;
    const isExpected =
      status === 202 ||
      (status === 200 && !plan.isForbidden) ||
      (status === 403 && plan.isForbidden) ||
      (status === 423 && isRefusedWhereLocked(plan));
    if (!isExpected) account.violated('answer', `POST was answered ${status}: ${JSON.stringify(body).slice(0, 500)}`);
    if (status === 200 || status === 202) account.isAccepted = true;
    if (status === 202) return;
    if (account.decision !== undefined && account.decision !== status) {
      account.violated('answer', `POST was answered ${account.decision}, and then ${status}`);
    }
    account.decision = status;
  }

  /** Looks on until the job has ended, or nobody waits any longer. */
  async follow(action: Action | undefined): Promise<void> {
    const over = new AbortController();
    const acting = action === undefined ? Promise.resolve() : this.#act(action, over.signal);
    while (this.account.end === undefined && !this.#isUnknown) {
      await this.#look();
      if (!(await this.#pause(150, 1_200))) break;
    }
    over.abort();
    await acting;
  }

  async #look(): Promise<void> {
    const { account } = this;
    const told = await this.#api.logs(account.id);
    if (told === undefined) return;
    if ('job' in told) {
      account.take(told, this.#around.writes);
      return;
    }
    if (NOT_NOW.has(told.status)) return;
    if (told.status === 404 && !account.isAccepted) {
      this.#isUnknown = true;
      return;
    }
    const kind = told.status === 404 ? 'lost' : 'answer';
    account.violated(kind, `the logs were answered ${told.status}: ${JSON.stringify(told.body).slice(0, 500)}`);
  }

  async #act({ what, afterMs, forMs }: Action, over: AbortSignal): Promise<void> {
    if (!(await wait(afterMs, over))) return;
    if (what === 'terminate') {
      await this.#terminate();
      return;
    }
    await this.#control(what, over);
    if (what !== 'pause') return;
    await wait(forMs, over);
    await this.#control('resume', over);
  }

  async #control(what: 'cancel' | 'pause' | 'resume', over: AbortSignal): Promise<void> {
    const { account } = this;
    while (!over.aborted) {
      const answer = await this.#api.post(`/apollo/files/copy/${account.id}/${what}`);
      if (answer !== undefined && !NOT_NOW.has(answer.status)) {
        // 404: it was never taken. 409: it has ended.
        const isExpected = [200, 409].includes(answer.status) || (answer.status === 404 && !account.isAccepted);
        if (!isExpected) {
          account.violated('answer', `${what} was answered ${answer.status}: ${JSON.stringify(answer.body)}`);
        }
        return;
      }
      if (!(await this.#pause(200, 1_000))) return;
    }
  }

  async #terminate(): Promise<void> {
    // Even where no answer comes, it may have been done.
    this.account.terminatedAt = Date.now();
    await this.#around.temporal.workflow
      .getHandle(this.account.id)
      .terminate('chaos')
      .catch(() => undefined);
  }

  /** Has what was not copied copied by another job; undefined: there is nothing to retry, or no answer. */
  async retry(): Promise<CallersJob | undefined> {
    const { account } = this;
    const id = this.#random.uuid();
    const postedAt = Date.now();
    for (;;) {
      const path = `/apollo/files/copy/${account.id}/retry`;
      const answer = await this.#api.post(path, undefined, { 'x-correlation-id': id });
      if (answer === undefined || NOT_NOW.has(answer.status)) {
        if (await this.#pause(200, 1_000)) continue;
        return undefined;
      }
      if (answer.status === 409) return undefined;
      const retried = new CallersJob(
        new JobAccount(account.plan, id, { of: account, postedAt }),
        this.#random,
        this.#around,
      );
      retried.#takePosted(answer);
      return retried;
    }
  }

  /** False: nobody waits any longer. */
  async #pause(fromMs: number, toMs: number): Promise<boolean> {
    return await wait(this.#random.between(fromMs, toMs), this.#around.signal);
  }
}

/** Waits; false: it was cut short. */
async function wait(ms: number, signal: AbortSignal): Promise<boolean> {
  await delay(ms, undefined, { signal }).catch(() => undefined);
  return !signal.aborted;
}
