import type { Evidence, JobEvidence } from '../../chaos/checks/evidence.ts';
import { JobAccount, WriteIndex } from '../../chaos/jobs/account.ts';
import type { FileTold, JobTold } from '../../chaos/jobs/api.ts';
import type { JobPlan, PlannedFile } from '../../chaos/jobs/plan.ts';
import { checksumOf } from '../../chaos/storage/storage.ts';
import type { Write } from '../../chaos/storage/write-log.ts';
import { countFile, emptyCounts, isFinalFileState, type JobState } from '../../contract/states.ts';

/** A file of the job of this number, which is there. */
function plannedFile(number: number, name: string): PlannedFile {
  return {
    from: `chaos-source/src/${number}/files/${name}`,
    to: `chaos-destination/out/${name}`,
    content: `job ${number}, ${name}`,
    entry: { destinationCollectionId: 'chaos-all', fileName: `files/${name}`, destinationFileName: name },
  };
}

/** A job of two files, `one` and `two`, that was taken. */
export function accountOf(number: number, more: Partial<JobPlan> = {}): JobAccount {
  const plan: JobPlan = {
    number,
    id: `job-${number}`,
    kind: 'list',
    caller: 'alice',
    sourceCollectionId: `chaos-source-${number}`,
    files: [plannedFile(number, 'one'), plannedFile(number, 'two')],
    options: {},
    isDoubled: false,
    action: undefined,
    isRetried: false,
    isForbidden: false,
    ...more,
  };
  const account = new JobAccount(plan, plan.id, { postedAt: number * 1_000 });
  account.isAccepted = true;
  account.decision = 200;
  return account;
}

/** A copy of a planned file as storage logs it. */
export function writeOf(file: PlannedFile, generation: number, at: number): Write {
  const content = file.content ?? '';
  return {
    ...{ from: file.from, to: file.to, generation, at },
    size: Buffer.byteLength(content),
    crc32c: checksumOf(content),
  };
}

/** How a copied file is told. */
export function completed(file: PlannedFile, generation: number): FileTold {
  const { size, crc32c } = writeOf(file, generation, 0);
  return {
    ...{ from: file.from, to: file.to, state: 'Completed', message: '' },
    ...{ size, crc32c, generation: String(generation) },
  };
}

/** What is told of a job with these files. */
export function toldOf(id: string, state: JobState, files: FileTold[]): JobTold {
  const counts = emptyCounts(files.length);
  for (const file of files) if (isFinalFileState(file.state)) countFile(counts, file.state, file.size ?? 0);
  const times = { startedAt: '2026-01-01T00:00:00.000+00:00', endedAt: '2026-01-01T00:00:01.000+00:00' };
  return { job: { correlationId: id, state, counts, ...times, message: '' }, files };
}

/** All that is known: by default, storage holds what was written last. */
export function evidenceOf(jobs: JobEvidence[], writes: Write[]): Evidence {
  const files = jobs.flatMap(({ account }) => account.plan.files);
  return {
    jobs,
    writes,
    index: new WriteIndex(writes),
    contentOf(to) {
      const last = writes.findLast((write) => write.to === to);
      const content = files.find(({ from }) => from === last?.from)?.content;
      return last && { generation: last.generation, content: Buffer.from(content ?? '') };
    },
  };
}
