import { admitBulk, type BulkAdmissionTask } from './admit-bulk.ts';
import { admitJob, type AdmissionTask } from './admit-job.ts';
import type { CopyChunkTask } from './chunk/chunk-task.ts';
import { copyChunk } from './copy-chunk.ts';
import { copyFile, type CopyFileTask } from './copy-file.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { findCopy } from './find-copy.ts';
import { closeRecord, saveResults, type CloseRecordTask, type SaveResultsTask } from './job-record.ts';
import { planListing, type PlanListingTask } from './plan-listing.ts';
import { previewFiles, type PreviewTask } from './preview-files.ts';
import { releaseLocks, releasePrefixLocks, type PrefixReleaseTask, type ReleaseTask } from './release-locks.ts';

export type { ActivityDependencies, JobDirectory } from './dependencies.ts';
export type { BulkPlan, BulkVerdict } from './admit-bulk.ts';
export type { Verdict } from './admit-job.ts';
export type { ChunkOutcome } from './chunk/chunk-task.ts';
export type { HeldLock } from './copy-file.ts';
export type { ListingCursor } from './plan-listing.ts';
export type { FileOutcome } from './file-outcome.ts';

/** The activities, bound to what they need; workflows call them by these names. */
export function createActivities(deps: ActivityDependencies) {
  return {
    admitBulk: (task: BulkAdmissionTask) => admitBulk(deps, task),
    admitJob: (task: AdmissionTask) => admitJob(deps, task),
    planListing: (task: PlanListingTask) => planListing(deps, task),
    copyFile: (task: CopyFileTask) => copyFile(deps, task),
    copyChunk: (task: CopyChunkTask) => copyChunk(deps, task),
    findCopy: (task: CopyFileTask) => findCopy(deps, task),
    previewFiles: (task: PreviewTask) => previewFiles(deps, task),
    saveResults: (task: SaveResultsTask) => saveResults(deps, task),
    releaseLocks: (task: ReleaseTask) => releaseLocks(deps, task),
    releasePrefixLocks: (task: PrefixReleaseTask) => releasePrefixLocks(deps, task),
    closeRecord: (task: CloseRecordTask) => closeRecord(deps, task),
  };
}

export type Activities = ReturnType<typeof createActivities>;
