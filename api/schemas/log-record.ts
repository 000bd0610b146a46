import { z } from '@hono/zod-openapi';
import { REASONS } from '../../contract/reasons.ts';
import { FILE_STATES } from '../../contract/states.ts';
import { EXAMPLE_RECORD } from './examples.ts';
import { isoTime, unixTime } from './job.ts';

const state = z.enum(FILE_STATES);

/** The closed list of reasons, for the documentation. */
export const REASON_DESCRIPTION = [
  'Why the file is where it is: `CODE: sentence`, or empty. The codes:',
  ...Object.entries(REASONS).map(([code, { meaning }]) => `- \`${code}\`: ${meaning}`),
].join('\n');

/** One file of a job, with the documented field names (one of them misspelled in the published API). */
export const logRecordSchema = z
  .strictObject({
    id: z.string().openapi({ description: 'Correlation id and position of the file in the request.' }),
    correlationId: z.uuid(),
    transactionId: z.uuid(),
    messageType: z.literal('Request'),
    requestAction: z.literal('Copy'),
    requestObject: z.literal('File'),
    state,
    retryCount: z.int().nonnegative(),
    message: z.string().openapi({ description: REASON_DESCRIPTION }),
    enqueuedTimestamp: isoTime.openapi({ description: 'When the service received the request.' }),
    receivedTimestamp: isoTime.nullable().openapi({ description: 'When copying of the file began.' }),
    unixEnqueuedTimestamp: unixTime,
    unixReceievedTimestamp: unixTime.nullable(),
    sender: z.string().openapi({ description: 'The caller who started the job.' }),
    recipient: z.string().openapi({ description: 'The destination collection.' }),
    timeout: z.int().openapi({ description: '0: a file has no time limit of its own.' }),
    topic: z.string().openapi({ description: 'The task queue that the job runs on.' }),
    payload: z.strictObject({
      sourceCollectionId: z.string(),
      destinationCollectionId: z.string(),
      fileName: z.string(),
      destinationFileName: z.string(),
      size: z.int().nullable().openapi({ description: 'Bytes; null until known.' }),
      crc32c: z.string().nullable().openapi({ description: 'base64; null until known.' }),
      generation: z.string().nullable().openapi({ description: "The destination object's; null until known." }),
    }),
    serviceData: z
      .strictObject({ erCollectionId: z.string(), entityId: z.string(), relationshipId: z.string() })
      .openapi({
        description:
          'The destination collection, the destination object (`bucket/name/generation`) and the source object; an id ' +
          'is empty where the object is not known (yet).',
      }),
    stateHistory: z.array(z.strictObject({ timestamp: isoTime, unixTimestamp: unixTime, state })),
  })
  .openapi('LogRecord', { example: EXAMPLE_RECORD });

export type LogRecord = z.infer<typeof logRecordSchema>;
