import { endStateOf, isEndState, isFinalFileState, emptyCounts, countFile } from '../../contract/states.ts';
import type { FileTold, JobTold } from '../jobs/api.ts';
import type { PlannedFile } from '../jobs/plan.ts';
import { checksumOf } from '../storage/storage.ts';
import type { Write } from '../storage/write-log.ts';
import type { Violation, ViolationKind } from '../violation.ts';
import type { Evidence, JobEvidence } from './evidence.ts';

/**
 * A write that a terminated job had sent may be carried out later than anybody looks for it, in milliseconds: storage
 * answers late, and a stopped worker goes on within its heartbeat time-out (docs/architecture.md).
 */
const LATE_AFTER_TERMINATION_MS = 1_500;

/** That a job was ended while its list was read: nobody knows what it has asked for, and its retry asks for all of it. */
const UNREAD = /^(?:CANCELLED|TERMINATED): .* before (?:its request|it) was decided$/;

/** Holds what is told of one job against what it was to do and what storage did. */
export function checkJob(
  { account, final }: JobEvidence,
  all: readonly JobEvidence[],
  evidence: Evidence,
): Violation[] {
  const found: Violation[] = [];
  const violated = (kind: ViolationKind, what: string) => found.push({ kind, job: account.id, what });
  const { plan } = account;
  const { told, report, repeated } = final;

  if (told === undefined) {
    if (account.isAccepted) violated('lost', 'the job was accepted, and is not known any more');
    return found;
  }
  const { job, files } = told;
  if (!isEndState(job.state)) {
    violated('stuck', `the job is ${job.state}: ${job.message}`);
    return found;
  }
  if (repeated !== undefined && account.decision !== undefined && repeated !== account.decision) {
    violated('answer', `the same POST was answered ${account.decision} first, and ${repeated} at the end`);
  }
  if (job.state === 'Terminated' && account.terminatedAt === undefined) {
    violated('wrong', 'the job is Terminated, though nobody did that');
  }
  if (job.state === 'Rejected') {
    if (account.decision === 200) violated('wrong', 'the job was accepted with 200, and is Rejected');
    if (files.length > 0) violated('wrong', `the job is Rejected, and has ${files.length} records`);
    return found;
  }
  // As a refused one it was asked for files, and has nothing to tell of any.
  if (job.state === 'Terminated' && UNREAD.test(job.message)) {
    const written = plan.files.filter((planned) => ownWrites(account, all, planned, evidence).length > 0);
    if (account.decision === 200) violated('wrong', 'the job was accepted with 200, and says that it was not decided');
    if (files.length > 0) violated('wrong', `the job was not decided, and has ${files.length} records`);
    if (written.length > 0) violated('wrong', `the job was not decided, and ${written.length} files were written`);
    return found;
  }
  checkRecords(told, violated);
  if (report !== undefined) checkReport(files, report, violated);

  const expected =
    account.retryOf === undefined ? plan.files : plan.files.filter(({ to }) => isLeft(account.retryOf, to, all));
  const byPlace = new Map(files.map((file) => [file.to, file]));
  for (const planned of expected) {
    const file = byPlace.get(planned.to);
    const writes = ownWrites(account, all, planned, evidence);
    if (file !== undefined) checkFile(file, planned, { told, account, evidence, violated, writes });
    else if (!mayBeCutShort(plan, job) || writes.length > 0) violated('lost', `${planned.to} has no record`);
    byPlace.delete(planned.to);
  }
  for (const to of byPlace.keys()) violated('wrong', `${to} has a record, and was not asked for`);
  return found;
}

type Report = (kind: ViolationKind, what: string) => void;

/** Every file once, each with an end, the counts those of the files, and the job's state what follows from them. */
function checkRecords({ job, files }: JobTold, violated: Report): void {
  const places = new Set(files.map(({ to }) => to));
  if (places.size !== files.length) violated('wrong', `${files.length - places.size} files have more than one record`);
  const counts = emptyCounts(files.length);
  for (const { to, state, size } of files) {
    if (isFinalFileState(state)) countFile(counts, state, size ?? 0);
    else violated('stuck', `${to} is ${state}, and the job ${job.state}`);
  }
  for (const name of ['requested', 'completed', 'skipped', 'failed', 'cancelled', 'pending', 'bytes'] as const) {
    if (job.counts[name] !== counts[name])
      violated('wrong', `counts.${name} is ${job.counts[name]}; the files say ${counts[name]}`);
  }
  // Cancelled while it was listed: there is more than the files that have a record.
  const isCutShort = job.state === 'Cancelled' && job.message.startsWith('CANCELLED: ');
  const follows = isCutShort ? 'Cancelled' : endStateOf(counts);
  if (job.state !== 'Terminated' && job.state !== follows) {
    violated('wrong', `the job is ${job.state}; ${follows} follows from its files`);
  }
}

function checkReport(files: readonly FileTold[], report: readonly FileTold[], violated: Report): void {
  const key = ({ to, state, generation }: FileTold) => `${to} ${state} ${generation ?? ''}`;
  const rows = new Set(report.map(key));
  if (report.length !== files.length || files.some((file) => !rows.has(key(file)))) {
    violated('wrong', `the report has other rows (${report.length}) than the logs (${files.length})`);
  }
}

/** Of a prefix whose listing was cut short, only what had been listed is told; its retry covers the rest as well. */
function mayBeCutShort({ kind }: JobEvidence['account']['plan'], { state, message }: JobTold['job']): boolean {
  return state === 'Terminated' || (kind === 'prefix' && state === 'Cancelled') || UNREAD.test(message);
}

/** Whether a job ended without having copied this file. */
function isLeft(account: JobEvidence['account'] | undefined, to: string, all: readonly JobEvidence[]): boolean {
  const told = all.find((one) => one.account === account)?.final.told;
  if (account === undefined || told === undefined) return false;
  const state = told.files.find((file) => file.to === to)?.state;
  if (state !== undefined) return state === 'Failed' || state === 'Cancelled';
  return account.plan.kind === 'prefix' ? mayBeCutShort(account.plan, told.job) : UNREAD.test(told.job.message);
}

/** The writes from this file's source that were made while this job, not its retry or what it retries, was there. */
function ownWrites(
  account: JobEvidence['account'],
  all: readonly JobEvidence[],
  { from, to }: PlannedFile,
  { index }: Evidence,
): Write[] {
  const retry = all.find((one) => one.account.retryOf === account)?.account;
  const since = account.retryOf === undefined ? 0 : account.postedAt;
  return index.of(from, to).filter(({ at }) => at >= since && (retry === undefined || at < retry.postedAt));
}

interface FileContext {
  told: JobTold;
  account: JobEvidence['account'];
  evidence: Evidence;
  violated: Report;
  /** What this job wrote there. */
  writes: readonly Write[];
}

function checkFile(file: FileTold, planned: PlannedFile, context: FileContext): void {
  const { told, account, violated, writes } = context;
  const { to, state, message } = file;
  if (file.from !== planned.from) violated('wrong', `${to} is said to come from ${file.from}, not ${planned.from}`);
  if (state === 'Completed') {
    checkCompleted(file, planned, context);
    return;
  }
  const deadline = (account.terminatedAt ?? 0) + LATE_AFTER_TERMINATION_MS;
  const unexplained = told.job.state === 'Terminated' ? writes.filter(({ at }) => at < deadline) : writes;
  // Where the job was terminated, the next one may have written over the copy before anybody looked.
  const isLast = unexplained.some(({ generation }) => context.evidence.contentOf(to)?.generation === generation);
  if (unexplained.length > 0 && (told.job.state !== 'Terminated' || isLast)) {
    violated('wrong', `${to} is ${state} (${message}), and was written as generation ${String(writes[0]?.generation)}`);
  }
  if (state === 'Failed' && !(planned.content === undefined && message.startsWith('SOURCE_NOT_FOUND'))) {
    violated('wrong', `${to} is Failed for no reason of its own: ${message}`);
  }
  if (state === 'Skipped' && !isSkippable(account.plan.options, message)) {
    violated('wrong', `${to} is Skipped, which was not asked for: ${message}`);
  }
  if (state === 'Cancelled' && !['Cancelled', 'Terminated'].includes(told.job.state)) {
    violated('wrong', `${to} is Cancelled, and the job ${told.job.state}`);
  }
}

function isSkippable(
  { overwrite, onLocked, dryRun }: JobEvidence['account']['plan']['options'],
  message: string,
): boolean {
  if (dryRun === true) return true;
  if (message.startsWith('FILE_LOCKED')) return onLocked === 'skip';
  return overwrite === 'never' || overwrite === 'ifDifferent';
}

function checkCompleted({ to, generation, size, crc32c }: FileTold, planned: PlannedFile, context: FileContext): void {
  const { account, violated, writes } = context;
  const { content } = planned;
  if (content === undefined) {
    violated('wrong', `${to} is Completed, and its source does not exist`);
    return;
  }
  if (account.plan.options.dryRun === true) violated('wrong', `${to} is Completed by a dry run`);
  const write = writes.find((one) => String(one.generation) === generation);
  if (write === undefined) {
    violated('wrong', `${to} is Completed as generation ${String(generation)}, which this job has not written`);
    return;
  }
  const right = { size: Buffer.byteLength(content), crc32c: checksumOf(content) };
  if (write.size !== right.size || write.crc32c !== right.crc32c)
    violated('bytes', `${to} was written with other bytes`);
  if (size !== right.size || crc32c !== right.crc32c) violated('wrong', `${to} is told with another size or checksum`);
  const toldAt = account.files.get(to)?.at ?? Number.POSITIVE_INFINITY;
  for (const later of writes) {
    if (later.generation > write.generation || later.at > toldAt) {
      violated('rewritten', `${to} was Completed as ${String(generation)}, and written again as ${later.generation}`);
    }
  }
}
