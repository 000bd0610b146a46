import { z } from '@hono/zod-openapi';
import { EXAMPLE_DETAIL } from './examples.ts';
import { REASON_DESCRIPTION } from './log-record.ts';

const trackSummarySchema = z
  .strictObject({ FilesRequestedToBeCopied: z.string(), Succeeded: z.string(), Failed: z.string() })
  .openapi('TrackSummary', { example: { FilesRequestedToBeCopied: '2', Succeeded: '2', Failed: '0' } });

const trackDetailSchema = z
  .strictObject({
    FileName: z.string(),
    SourceCollectionId: z.string(),
    DestinationCollectionId: z.string(),
    SourceEntityId: z.string().openapi({ description: '`bucket/name/generation`; empty where it is not known.' }),
    DestinationEntityId: z.string().openapi({ description: '`bucket/name/generation`; empty where it is not known.' }),
    Status: z
      .union([z.literal(0), z.literal(1), z.literal(2), z.literal(3), z.literal(4)])
      .openapi({ description: '0 not finished, 1 Completed, 2 Failed, 3 Skipped, 4 Cancelled' }),
    ReasonOfFailure: z.string().optional().openapi({ description: REASON_DESCRIPTION }),
  })
  .openapi('TrackDetail', { example: EXAMPLE_DETAIL });

export const trackDataSchema = z
  .strictObject({ Summary: trackSummarySchema, Detail: z.array(trackDetailSchema) })
  .openapi('TrackData');

export type TrackSummary = z.infer<typeof trackSummarySchema>;
export type TrackDetail = z.infer<typeof trackDetailSchema>;
