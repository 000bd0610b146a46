import { setTimeout as delay } from 'node:timers/promises';
import { isEndState } from '../../contract/states.ts';
import type { JobAccount, WriteIndex } from '../jobs/account.ts';
import type { ChaosApi, JobTold } from '../jobs/api.ts';
import { postOf } from '../jobs/caller.ts';
import type { JobPlan } from '../jobs/plan.ts';
import { requestOf } from '../jobs/request.ts';
import type { FinalAnswers } from './evidence.ts';

interface Asking {
  apiOf: (plan: JobPlan) => ChaosApi;
  writes: WriteIndex;
  /** When nobody waits any longer, by `performance.now()`. */
  until: number;
}

/** Asks for everything that the API tells of a job, once all is quiet; waits for what is still to be settled. */
export async function finalAnswers(account: JobAccount, { apiOf, writes, until }: Asking): Promise<FinalAnswers> {
  const api = apiOf(account.plan);
  const told = await settled(account, api, until);
  if (told === undefined) return { told: undefined, report: undefined, repeated: undefined };
  account.take(told, writes);
  if (!isEndState(told.job.state)) return { told, report: undefined, repeated: undefined };
  const report = await api.report(account.id);
  if (report === undefined) account.violated('answer', 'the report of an ended job was not answered 200');
  if (account.retryOf !== undefined) return { told, report, repeated: undefined };
  const { path, headers } = postOf(account.plan);
  const again = await api.post(path, requestOf(account.plan), headers);
  if (again === undefined) account.violated('answer', 'the same POST was not answered at the end');
  return { told, report, repeated: again?.status };
}

/** The logs once the job and all its files have an end; what there is by then where they have none in time. */
async function settled(account: JobAccount, api: ChaosApi, until: number): Promise<JobTold | undefined> {
  for (;;) {
    const answer = await api.logs(account.id);
    const isLate = performance.now() > until;
    if (answer !== undefined && 'job' in answer) {
      const { job } = answer;
      if (isLate || (isEndState(job.state) && job.counts.pending === 0 && job.endedAt !== null)) return answer;
    } else if (answer?.status === 404) {
      return undefined;
    } else if (isLate) {
      account.violated('answer', `the logs were answered ${String(answer?.status ?? 'not at all')} when all was quiet`);
      return undefined;
    }
    await delay(200);
  }
}
