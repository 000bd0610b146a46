import type { FileRecord } from '../../contract/messages.ts';
import type { JobPage } from '../jobs/job-service.ts';
import type { LogRecord } from '../schemas/log-record.ts';
import { entityIdsOf } from './entity-ids.ts';
import { timestamp } from './timestamp.ts';

/** Digits of a record's position in its id, so that ids of a job sort as its files. */
const INDEX_DIGITS = 7;

/** The records of a page of files, one for each, with the documented field names. */
export function logRecords({ job, caller, receivedAt, taskQueue, collections, files }: JobPage): LogRecord[] {
  const entityIds = entityIdsOf(collections);
  return files.map((file: FileRecord): LogRecord => {
    const { source, destination } = entityIds(file);
    const startedAt = file.history.find(({ state }) => state === 'Processing')?.at ?? null;
    return {
      id: `${job.correlationId}-${String(file.index).padStart(INDEX_DIGITS, '0')}`,
      correlationId: job.correlationId,
      transactionId: job.correlationId,
      messageType: 'Request',
      requestAction: 'Copy',
      requestObject: 'File',
      state: file.state,
      retryCount: file.retryCount,
      message: file.message,
      enqueuedTimestamp: timestamp(receivedAt),
      receivedTimestamp: timestamp(startedAt),
      unixEnqueuedTimestamp: receivedAt,
      unixReceievedTimestamp: startedAt,
      sender: caller,
      recipient: file.destinationCollectionId,
      timeout: 0,
      topic: taskQueue,
      payload: {
        sourceCollectionId: file.sourceCollectionId,
        destinationCollectionId: file.destinationCollectionId,
        fileName: file.fileName,
        destinationFileName: file.destinationFileName,
        size: file.size,
        crc32c: file.crc32c,
        generation: file.generation,
      },
      serviceData: {
        erCollectionId: file.destinationCollectionId,
        entityId: destination,
        relationshipId: source,
      },
      stateHistory: file.history.map(({ state, at }) => ({ timestamp: timestamp(at), unixTimestamp: at, state })),
    };
  });
}
