import assert from 'node:assert/strict';
import { checkJob } from '../../chaos/checks/check-job.ts';
import { checkStorage } from '../../chaos/checks/check-storage.ts';
import type { JobEvidence } from '../../chaos/checks/evidence.ts';
import { JobAccount, WriteIndex } from '../../chaos/jobs/account.ts';
import type { FileTold, JobTold } from '../../chaos/jobs/api.ts';
import type { Write } from '../../chaos/storage/write-log.ts';
import type { ViolationKind } from '../../chaos/violation.ts';
import type { JobState } from '../../contract/states.ts';
import { accountOf, completed, evidenceOf, toldOf, writeOf } from './support.ts';

/** A job of two files that did everything right, for a case to spoil. */
interface Case {
  account: JobAccount;
  writes: Write[];
  files: FileTold[];
  state: JobState;
  told: JobTold | undefined;
  /** Changes the job's own account of its files. */
  report: FileTold[] | undefined;
  repeated: number;
  /** What storage holds instead. */
  held: string | undefined;
  others: JobEvidence[];
}

function rightCase(): Case {
  const account = accountOf(1);
  const [one, two] = account.plan.files;
  const writes = [writeOf(one!, 11, 1_100), writeOf(two!, 12, 1_200)];
  const files = [completed(one!, 11), completed(two!, 12)];
  return {
    ...{ account, writes, files, state: 'Completed', told: undefined },
    ...{ report: undefined, repeated: 200, held: undefined, others: [] },
  };
}

/** A job of which only the logs were asked for in the end. */
function evidenceIn(account: JobAccount, told: JobTold | undefined): JobEvidence {
  return { account, final: { told, report: undefined, repeated: undefined } };
}

function kindsOf(spoil: (it: Case) => void): ViolationKind[] {
  const it = rightCase();
  spoil(it);
  const { account, writes, files, state, report, repeated, held, others } = it;
  const told = it.told ?? toldOf(account.id, state, files);
  const job: JobEvidence = { account, final: { told, report: report ?? told.files, repeated } };
  const evidence = evidenceOf([job, ...others], writes);
  if (held !== undefined) {
    evidence.contentOf = () => ({ content: Buffer.from(held), generation: writes.at(-1)!.generation });
  }
  const found = [...checkJob(job, evidence.jobs, evidence), ...checkStorage(evidence), ...account.violations];
  return [...new Set(found.map(({ kind }) => kind))];
}

const NOT_COPIED = { size: null, crc32c: null, generation: null, message: '' };

const CASES: [title: string, spoil: (it: Case) => void, expected: ViolationKind[]][] = [
  ['a job that did everything right', () => undefined, []],
  ['a file without a record', (it) => it.files.pop(), ['lost']],
  ['a file told twice, a result counted twice', (it) => it.files.push(it.files[0]!), ['wrong']],
  [
    'counts that are not those of the files',
    (it) => {
      it.told = toldOf(it.account.id, 'Completed', it.files);
      it.told.job.counts.completed += 1;
    },
    ['wrong'],
  ],
  ['a file Completed that was never written', (it) => it.writes.pop(), ['wrong']],
  ['a 412 taken as success: Completed as another one wrote it', (it) => (it.files[1]!.generation = '99'), ['wrong']],
  [
    'a file written, and told to be Failed',
    (it) => {
      it.files[1] = { ...it.files[1]!, ...NOT_COPIED, state: 'Failed', message: 'STORAGE_UNAVAILABLE: 503' };
      it.state = 'CompletedWithErrors';
    },
    ['wrong'],
  ],
  [
    'a file Failed that nothing stood in the way of',
    (it) => {
      it.files[1] = { ...it.files[1]!, ...NOT_COPIED, state: 'Failed', message: 'STORAGE_UNAVAILABLE: 503' };
      it.state = 'CompletedWithErrors';
      it.writes.pop();
    },
    ['wrong'],
  ],
  ['a state that does not follow from the files', (it) => (it.state = 'CompletedWithErrors'), ['wrong']],
  [
    'a file that is not finished in a job that is',
    (it) => (it.files[1] = { ...it.files[1]!, ...NOT_COPIED, state: 'Processing' }),
    ['stuck', 'wrong'],
  ],
  ['a job without an end', (it) => (it.state = 'Processing'), ['stuck']],
  ['a file skipped unasked', (it) => ((it.files[1]!.state = 'Skipped'), it.writes.pop()), ['wrong']],
  ['a report that tells otherwise', (it) => (it.report = it.files.slice(1)), ['wrong']],
  ['the same POST, answered otherwise at the end', (it) => (it.repeated = 423), ['answer']],
  ['other bytes written', (it) => (it.writes[1]!.crc32c = 'AAAAAA=='), ['bytes']],
  ['other bytes held', (it) => (it.held = 'something else'), ['bytes']],
  [
    'a file written again after it was Completed',
    (it) => it.writes.push(writeOf(it.account.plan.files[0]!, 13, 1_300)),
    ['rewritten'],
  ],
  [
    'a file written after the end was told',
    (it) => (it.account.end = { state: 'Completed', at: 1_150 }),
    ['rewritten'],
  ],
  [
    'an older write over that of a newer job: a fence left out',
    (it) => {
      const newer = accountOf(2);
      const [one, two] = newer.plan.files;
      const files = [completed(one!, 21), completed(two!, 22)];
      const final = { told: toldOf(newer.id, 'Completed', files), report: files, repeated: 200 };
      it.others.push({ account: newer, final });
      it.writes.push(writeOf(one!, 21, 2_100), writeOf(two!, 22, 2_200));
      it.writes.push(writeOf(it.account.plan.files[1]!, 23, 2_300));
    },
    ['rewritten'],
  ],
  [
    'a dry run that writes',
    (it) => {
      it.account = accountOf(1, { options: { dryRun: true } });
      it.files = it.files.map((file) => ({ ...file, ...NOT_COPIED, state: 'Skipped' }));
    },
    ['wrong'],
  ],
  [
    'a job that was ended before it was decided, and writes',
    (it) => {
      it.account.decision = 202;
      it.account.terminatedAt = it.account.postedAt;
      it.repeated = 202;
      it.told = toldOf(it.account.id, 'Terminated', []);
      it.told.job.message = 'TERMINATED: the job was ended by force in Temporal before it was decided';
    },
    ['wrong'],
  ],
  [
    'a refused job that writes',
    (it) => {
      it.account.decision = 423;
      it.repeated = 423;
      it.told = toldOf(it.account.id, 'Rejected', []);
    },
    ['wrong'],
  ],
];

describe('the checks of a chaos run find', () => {
  for (const [title, spoil, expected] of CASES) {
    it(expected.length === 0 ? `nothing in ${title}` : title, () => {
      assert.deepEqual(kindsOf(spoil), expected);
    });
  }

  it('a job that was accepted and is not known any more', () => {
    const { account } = rightCase();
    const job: JobEvidence = evidenceIn(account, undefined);
    const found = checkJob(job, [job], evidenceOf([job], []));
    assert.deepEqual(
      found.map(({ kind }) => kind),
      ['lost'],
    );
  });

  it('a state told too early, and one that is taken back', () => {
    const { account, files } = rightCase();
    const [one, two] = account.plan.files;
    const writes = [writeOf(one!, 11, 1_100)];
    const index = new WriteIndex(writes);
    account.take(toldOf(account.id, 'Processing', files), index);
    assert.match(account.violations[0]!.what, /out\/two is Completed as generation 12, which nobody has written/);
    writes.push(writeOf(two!, 12, 1_200));
    account.take(toldOf(account.id, 'Completed', files), index);
    assert.equal(account.violations.length, 1);
    account.take(toldOf(account.id, 'Processing', files), index);
    assert.match(account.violations[1]!.what, /the job was Completed, and is Processing now/);
  });

  it('nothing in a job that is told as it was before, while no worker answers for it', () => {
    const { account, writes, files } = rightCase();
    const index = new WriteIndex(writes);
    account.take(toldOf(account.id, 'Processing', files), index);
    account.take(toldOf(account.id, 'Processing', [{ ...files[0]!, ...NOT_COPIED, state: 'Requested' }]), index);
    assert.deepEqual([account.violations, account.timesToldLess], [[], 1]);
  });

  it('a copy that is taken back, unless its job was ended by force and another one wrote over it', () => {
    const { account, writes, files } = rightCase();
    const index = new WriteIndex(writes);
    account.take(toldOf(account.id, 'Processing', files), index);
    const settled = files.map((one) => ({ ...one, ...NOT_COPIED, state: 'Cancelled' as const }));
    writes.push({ ...writeOf(account.plan.files[0]!, 21, 1_300), from: 'source/of-another' });
    account.take(toldOf(account.id, 'Terminated', settled), index);
    assert.deepEqual([...account.unrecognised], [files[0]!.to]);
    assert.deepEqual(
      account.violations.map(({ what }) => what),
      [`${files[1]!.to} was Completed, and is Cancelled now`],
    );
  });

  it('nothing in the retry of a prefix that was cancelled while it was listed: it covers what was not', () => {
    const { writes, files } = rightCase();
    const account = accountOf(1, { kind: 'prefix' });
    const retry = new JobAccount(account.plan, 'retry', { of: account, postedAt: 1_150 });
    const [first, second] = files;
    const cut = toldOf(account.id, 'Cancelled', [first!]);
    cut.job.message = 'CANCELLED: the job was cancelled before all files under the prefix were listed';
    const rest = toldOf(retry.id, 'Completed', [second!]);
    const jobs: JobEvidence[] = [evidenceIn(account, cut), evidenceIn(retry, rest)];
    const evidence = evidenceOf(jobs, writes);
    for (const job of jobs) assert.deepEqual(checkJob(job, jobs, evidence), []);
    // What was written before the retry was there was this job's, and has to be told.
    writes[1]!.at = 1_100;
    assert.deepEqual(
      checkJob(jobs[0]!, jobs, evidenceOf(jobs, writes)).map(({ what }) => what),
      [`${second!.to} has no record`],
    );
  });

  it('nothing in the retry of a list that was cancelled while it was read: it is the whole of it', () => {
    const { writes, files } = rightCase();
    const account = accountOf(1, { kind: 'manifest' });
    const retry = new JobAccount(account.plan, 'retry', { of: account, postedAt: 1_050 });
    const unread = toldOf(account.id, 'Cancelled', []);
    unread.job.message = 'CANCELLED: the job was cancelled before its request was decided';
    const jobs: JobEvidence[] = [evidenceIn(account, unread), evidenceIn(retry, toldOf(retry.id, 'Completed', files))];
    const evidence = evidenceOf(jobs, writes);
    for (const job of jobs) assert.deepEqual(checkJob(job, jobs, evidence), []);
    unread.job.message = 'CANCELLED: the job was cancelled';
    assert.equal(checkJob(jobs[0]!, jobs, evidence).length, 2);
  });
});
