import type { FileState, JobCounts } from '../../contract/states.ts';
import type { JobPage } from '../jobs/job-service.ts';
import type { TrackDetail, TrackSummary } from '../schemas/track.ts';
import { entityIdsOf } from './entity-ids.ts';

const STATUS: Readonly<Record<FileState, TrackDetail['Status']>> = {
  Requested: 0,
  Processing: 0,
  Completed: 1,
  Failed: 2,
  Skipped: 3,
  Cancelled: 4,
};

/** A job in three numbers, which this view writes as strings. */
export function trackSummary({ requested, completed, failed }: JobCounts): TrackSummary {
  return {
    FilesRequestedToBeCopied: String(requested),
    Succeeded: String(completed),
    Failed: String(failed),
  };
}

/** The details of a page of files. A reason stands wherever a file ended otherwise than copied. */
export function trackDetails({ collections, files }: JobPage): TrackDetail[] {
  const entityIds = entityIdsOf(collections);
  return files.map((file) => {
    const { source, destination } = entityIds(file);
    const status = STATUS[file.state];
    return {
      FileName: file.fileName,
      SourceCollectionId: file.sourceCollectionId,
      DestinationCollectionId: file.destinationCollectionId,
      SourceEntityId: source,
      DestinationEntityId: destination,
      Status: status,
      ...(status > 1 && file.message !== '' && { ReasonOfFailure: file.message }),
    };
  });
}
