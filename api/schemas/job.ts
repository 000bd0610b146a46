import { z } from '@hono/zod-openapi';
import { JOB_STATES } from '../../contract/states.ts';
import { EXAMPLE_JOB } from './examples.ts';

const count = z.int().nonnegative();

/** A point in time: ISO 8601 with offset. */
export const isoTime = z.iso.datetime({ offset: true });

/** A point in time: milliseconds since the epoch. */
export const unixTime = z.int();

/** Why the records of a job may say less than its counts. */
export const RECORDS_FOLLOW =
  'While everything under a prefix, a manifest or a list of more than 1,000 files is copied, the counts of the job move ' +
  'with each file, and the records of its files follow as each thousand is through.';

/** A job as every view shows it. */
export const jobSchema = z
  .strictObject({
    correlationId: z.uuid(),
    state: z.enum(JOB_STATES),
    counts: z
      .strictObject({
        requested: count,
        completed: count,
        skipped: count,
        failed: count,
        cancelled: count,
        pending: count,
        bytes: count,
      })
      .openapi({ description: 'Files by outcome; pending are those without one yet. bytes counts what was copied.' }),
    startedAt: isoTime.openapi({ description: 'When the request was received: the same in every answer.' }),
    endedAt: isoTime.nullable().openapi({
      description: 'Null until the job has ended and what became of all its files is known.',
    }),
    message: z.string().openapi({
      description:
        'Why the job is where it is, or that not all of its source is listed yet, so that there may be more files than ' +
        'are counted; empty where there is nothing to say.',
    }),
  })
  .openapi('Job', { description: 'A job: its state, counts and times.', example: EXAMPLE_JOB });

export type JobView = z.infer<typeof jobSchema>;
