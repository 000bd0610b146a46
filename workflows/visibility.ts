import { patched, setCurrentDetails, upsertMemo, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import { COPY_STATE } from '../contract/search-attributes.ts';
import { asMarkdown } from '../contract/markdown.ts';
import type { FileEntry, JobMemo } from '../contract/messages.ts';
import type { JobLife } from './job-life.ts';
import { TOLD_BY_MEMO } from './patches.ts';

/** Of a bulk job, whose workflow hears of files by the thousand. */
const STILL_UNCOUNTED =
  'Files of chunks under way are not counted yet: see the heartbeat details of pending activities.';

/** Shows a change of the job's state in Temporal's Web UI: as search attribute and in the details. */
export function showJob(book: JobLife): void {
  upsertSearchAttributes([{ key: COPY_STATE, value: book.state }]);
  showProgress(book);
}

/**
 * Renews what the Web UI says about the job's progress, which costs no event; and of a bulk job what its workflow is
 * described with, which costs one where that has changed.
 */
export function showProgress(book: JobLife): void {
  const { state, counts, message, underWay = [] } = book.live();
  const rows = [
    ['requested', counts.requested],
    ['completed', counts.completed],
    ['skipped', counts.skipped],
    ['failed', counts.failed],
    ['cancelled', counts.cancelled],
    ['pending', counts.pending],
    ['bytes', counts.bytes],
  ];
  const table = ['| files | |', '| --- | ---: |', ...rows.map(([name, count]) => `| ${name} | ${count} |`)];
  const more = underWay.length === 0 ? '' : STILL_UNCOUNTED;
  setCurrentDetails(
    [`**${state}**`, asMarkdown(message), table.join('\n'), more].filter((part) => part !== '').join('\n\n'),
  );
  const live = book.news();
  if (live === undefined || !isToldByMemo()) return;
  const { runId } = workflowInfo();
  upsertMemo({ live: { ...live, runId } } satisfies Partial<JobMemo>);
}

/** Whether a bulk job is described with how it stands, and knows its passes over chunks by ids of its own. */
export function isToldByMemo(): boolean {
  return patched(TOLD_BY_MEMO);
}

/** Summary of an activity that works on one file: a line, whatever the name holds. The Web UI shows it as it is. */
export function fileSummary({ fileName, destinationFileName, destinationCollectionId }: FileEntry): string {
  const target = fileName === destinationFileName ? '' : `/${destinationFileName}`;
  const line = `${fileName} → ${destinationCollectionId}${target}`;
  return line.length > 180 ? `${line.slice(0, 179)}…` : line;
}

/** `1 file`, `2 files`. */
export function countOf(count: number, noun: string, plural = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : plural}`;
}
