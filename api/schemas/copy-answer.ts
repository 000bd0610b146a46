import { z } from '@hono/zod-openapi';
import { envelope } from '../envelope.ts';
import { TEXTS } from '../texts.ts';
import { copyData } from '../views/copy-data.ts';
import { envelopeSchema, jsonAnswer } from './answers.ts';
import { EXAMPLE_ID, EXAMPLE_JOB } from './examples.ts';
import { jobSchema } from './job.ts';

const copyDataSchema = z
  .strictObject({
    Result: z.string().openapi({ description: 'Where the status of the job is to be had.' }),
    Message: z.string().openapi({ description: 'How many files are to be copied.' }),
    CorrelationId: z.uuid().openapi({ description: 'Names the job.' }),
    Job: jobSchema.optional().openapi({ description: 'How the job stands, where a preference to wait was applied.' }),
  })
  .openapi('CopyData');

export type CopyData = z.infer<typeof copyDataSchema>;

const EXAMPLE_DATA = copyData('https://apollo.example.com', EXAMPLE_ID, 2);
const copySchema = envelopeSchema(copyDataSchema).openapi('CopyAnswer');

const appliedHeader = {
  'preference-applied': {
    description: '`wait=N` where the preference to wait was applied (RFC 7240 section 3).',
    schema: { type: 'string' as const },
  },
};

/** The request headers of whatever starts a job. */
export const copyHeaders = z.object({
  'x-correlation-id': z
    .uuid()
    .optional()
    .openapi({
      description:
        'Names the new job, for as long as its record is kept. The same id with the same request from the same caller ' +
        'gives the same answer and starts nothing twice. Without it the service makes one.',
      example: EXAMPLE_ID,
    }),
  prefer: z
    .string()
    .optional()
    .openapi({
      description:
        '`wait=N` (RFC 7240): answer when the job has ended or after N seconds, whichever is first; `data.Job` then ' +
        'has its state and counts. At most 60; a preference that is malformed is ignored.',
      example: 'wait=10',
    }),
});

/** The answers of a job that was started. */
export const COPY_ANSWERS = {
  accepted: {
    ...jsonAnswer(
      'Accepted: access is given and every lock is held. The text is that of the published API; copying goes on.',
      copySchema,
      envelope(200, TEXTS.copyAccepted, EXAMPLE_DATA),
      appliedHeader,
    ),
    content: {
      'application/json': {
        schema: copySchema,
        examples: {
          accepted: {
            summary: 'Accepted, before copying',
            value: envelope(200, TEXTS.copyAccepted, EXAMPLE_DATA),
          },
          ended: {
            summary: 'Prefer: wait=10, and the job has ended',
            value: envelope(200, TEXTS.copyAccepted, { ...EXAMPLE_DATA, Job: EXAMPLE_JOB }),
          },
        },
      },
    },
  },
  undecided: jsonAnswer(
    'Not decided within 5 s, or the time of the preference: the job is durable and will be decided. The same request ' +
      'gives the answer then.',
    copySchema,
    envelope(202, TEXTS.copyRequested, EXAMPLE_DATA),
    appliedHeader,
  ),
};
