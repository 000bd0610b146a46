import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type { CopyStarter } from '../../../api/jobs/copy-starter.ts';
import type { JobFinder } from '../../../api/jobs/job-finder.ts';
import { ServiceUnavailableError, type CopyAnswer } from '../../../api/jobs/job-service.ts';
import type { JobViews } from '../../../api/jobs/job-views.ts';
import { JobWaiter } from '../../../api/jobs/job-waiter.ts';
import type { UnusedInputs } from '../../../api/jobs/unused-inputs.ts';
import type { JobStatus } from '../../../contract/messages.ts';
import { JOB } from '../support.ts';
import { newJob } from './support.ts';

const never = <T>() => new Promise<T>(() => undefined);
const accepted: CopyAnswer = { kind: 'decided', requested: 1, admission: { decision: 'accepted' } };
const undecided: CopyAnswer = { kind: 'undecided', requested: 1 };

/** A waiter on parts that answer at once, but for what is said otherwise. */
function waiter({
  copied = accepted,
  later = copied,
  status = () => Promise.resolve(JOB),
}: {
  copied?: CopyAnswer;
  /** The answer to the same request, sent again. */
  later?: CopyAnswer;
  status?: () => Promise<JobStatus>;
} = {}) {
  const admissions: (number | undefined)[] = [];
  let looks = 0;
  const starter = {
    copy(_job: unknown, admissionMs?: number) {
      admissions.push(admissionMs);
      return Promise.resolve(admissions.length === 1 ? copied : later);
    },
    decision: () => Promise.resolve(copied),
  };
  const views = {
    async count() {
      looks += 1;
      return { status: await status(), requested: 1 };
    },
  };
  const handle = { result: never };
  const client = {
    withAbortSignal: <T>(_signal: AbortSignal, act: () => Promise<T>) => act(),
    withDeadline: <T>(_deadline: number, act: () => Promise<T>) => act(),
    workflow: { getHandle: () => handle },
  };
  const made = new JobWaiter({
    client: client as unknown as Client,
    starter: starter as unknown as CopyStarter,
    finder: { find: () => Promise.resolve({}) } as unknown as JobFinder,
    views: views as unknown as JobViews,
    unusedInputs: { tidy: () => Promise.resolve() } as unknown as UnusedInputs,
  });
  const copy = (forMs: number) => made.copy(newJob(['a']), { forMs, signal: new AbortController().signal });
  return { copy, admissions, looks: () => looks };
}

describe('waiting for a job', () => {
  it('waits for the decision no longer than asked, but long enough for most, and no longer than usual', async () => {
    const { copy, admissions } = waiter({ copied: { kind: 'conflict' } });
    for (const forMs of [0, 3_000, 60_000]) await copy(forMs);
    assert.equal(admissions[0], 500);
    assert.ok((admissions[1] ?? 0) > 2_000 && (admissions[1] ?? 0) <= 3_000);
    assert.equal(admissions[2], 5_000);
  });

  it('ends within a second of the time, with what is known, where the status does not come', async () => {
    const second = delay(1_000);
    const inTime = async (answer: Promise<CopyAnswer>) => {
      const first = await Promise.race([answer, second]);
      assert.ok(first !== undefined, 'not within a second');
      return first;
    };
    const [decided, open] = await Promise.all([
      inTime(waiter({ status: never }).copy(0)),
      inTime(waiter({ status: never, copied: undecided }).copy(0)),
    ]);
    assert.ok(decided.kind === 'decided' && decided.job === undefined);
    assert.ok(open.kind === 'undecided');
    assert.deepEqual([open.job?.state, open.job?.counts.requested], ['Requested', 1]);
  });

  it('answers what is known of the decision where the status cannot be had', async () => {
    const status = () => Promise.reject(new ServiceUnavailableError('storage', new Error('no answer')));
    assert.deepEqual(await waiter({ status }).copy(0), accepted);
    const open = await waiter({ status, copied: undecided }).copy(0);
    assert.ok(open.kind === 'undecided');
    assert.equal(open.job?.state, 'Requested');
  });

  it('answers with the decision where the status shows that it was made meanwhile', async () => {
    const refused: CopyAnswer = { kind: 'decided', requested: 1, admission: { decision: 'forbidden', message: 'no' } };
    const rejected = { ...JOB, state: 'Rejected' as const };
    const status = () => Promise.resolve(rejected);
    assert.deepEqual(await waiter({ status, copied: undecided, later: refused }).copy(0), refused);
    const completed = { ...JOB, state: 'Completed' as const };
    const ended = waiter({ status: () => Promise.resolve(completed), copied: undecided, later: accepted });
    assert.deepEqual(await ended.copy(0), { ...accepted, job: completed });
  });

  it('looks once before the time is over, so that a worker that is not there is known by then', async () => {
    const { copy, looks } = waiter();
    const answer = await copy(100);
    assert.ok(answer.kind === 'decided');
    assert.deepEqual(answer.job, JOB);
    assert.equal(looks(), 2);
  });
});
