import { admitBulk, type BulkAdmissionTask } from './admission/admit-bulk.ts';
import { admitJob, type AdmissionTask } from './admission/admit-job.ts';
import type { CopyChunkTask } from './copying/chunk/chunk-task.ts';
import { closeJob, type CloseJobTask } from './record/close-job.ts';
import { copyChunk, findCopies } from './copying/copy-chunk.ts';
import { copyFile, type CopyFileTask } from './copying/copy-file.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { findCopy } from './copying/find-copy.ts';
import { countPlanned, giveUpAdmission, type CountPlannedTask, type GiveUpTask } from './admission/give-up.ts';
import { saveResults, type SaveResultsTask } from './record/job-record.ts';
import { planListing, type PlanListingTask } from './planning/plan-listing.ts';
import { closeLostJob, type CloseLostJobTask } from './reconcile/close-lost-job.ts';
import { fenceJob, type FenceTask } from './reconcile/fence-job.ts';
import { releaseJobLocks, type ReleaseJobLocksTask } from './locks/job-locks.ts';
import { settleChunks, type SettleChunksTask } from './reconcile/settle-chunks.ts';
import { settleFiles, type SettleTask } from './reconcile/settle-files.ts';
import { previewFiles, type PreviewTask } from './copying/preview-files.ts';
import { sweepJobs, type SweepTask } from './sweep/sweep-jobs.ts';
import { sweepLocks } from './sweep/sweep-locks.ts';
import { releaseLocks, type ReleaseTask } from './locks/release-locks.ts';

export type { ActivityDependencies, JobDirectory, JobExecution } from './dependencies.ts';
export type { BulkPlan, BulkVerdict } from './admission/admit-bulk.ts';
export type { ChunkSettlement } from './reconcile/settle-chunks.ts';
export type { Settlement } from './reconcile/settle-files.ts';
export type { Verdict } from './admission/admit-job.ts';
export type { ChunkOutcome } from './copying/chunk/chunk-task.ts';
export { LeaseGroups } from './locks/lease-groups.ts';
export type { HeldLock } from './locks/take-locks.ts';
export type { ListingCursor, ListingPlan } from './planning/plan-listing.ts';

/** The activities, bound to what they need; workflows call them by these names. */
export function createActivities(deps: ActivityDependencies) {
  return {
    admitBulk: (task: BulkAdmissionTask) => admitBulk(deps, task),
    admitJob: (task: AdmissionTask) => admitJob(deps, task),
    giveUpAdmission: (task: GiveUpTask) => giveUpAdmission(deps, task),
    planListing: (task: PlanListingTask) => planListing(deps, task),
    countPlanned: (task: CountPlannedTask) => countPlanned(deps, task),
    copyFile: (task: CopyFileTask) => copyFile(deps, task),
    copyChunk: (task: CopyChunkTask) => copyChunk(deps, task),
    findCopies: (task: CopyChunkTask) => findCopies(deps, task),
    findCopy: (task: CopyFileTask) => findCopy(deps, task),
    previewFiles: (task: PreviewTask) => previewFiles(deps, task),
    saveResults: (task: SaveResultsTask) => saveResults(deps, task),
    releaseLocks: (task: ReleaseTask) => releaseLocks(deps, task),
    closeJob: (task: CloseJobTask) => closeJob(deps, task),
    fenceJob: (task: FenceTask) => fenceJob(deps, task),
    settleFiles: (task: SettleTask) => settleFiles(deps, task),
    settleChunks: (task: SettleChunksTask) => settleChunks(deps, task),
    releaseJobLocks: (task: ReleaseJobLocksTask) => releaseJobLocks(deps, task),
    closeLostJob: (task: CloseLostJobTask) => closeLostJob(deps, task),
    sweepJobs: (task: SweepTask) => sweepJobs(deps, task),
    sweepLocks: (task: SweepTask) => sweepLocks(deps, task),
  };
}

export type Activities = ReturnType<typeof createActivities>;
