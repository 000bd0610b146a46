import { z } from 'zod';
import { JOB_STATES } from '../../contract/states.ts';

const count = z.number();

/** A job as the API shows it. */
export const job = z.object({
  correlationId: z.string(),
  state: z.enum(JOB_STATES),
  counts: z.object({
    requested: count,
    completed: count,
    skipped: count,
    failed: count,
    cancelled: count,
    pending: count,
    bytes: count,
  }),
  startedAt: z.string(),
  endedAt: z.string().nullable(),
  message: z.string(),
});

export type Job = z.infer<typeof job>;

const paging = z.object({ totalCount: z.number(), continuationToken: z.string().nullable() });

export const envelope = z.object({ status: z.object({ message: z.string(), code: z.string() }) });

/** Answer of a control action. */
export const jobAnswer = envelope.extend({ data: job });

export const jobsAnswer = envelope.extend({ data: z.array(job), paging });

export const logsAnswer = envelope.extend({
  data: z.array(z.object({ state: z.string(), message: z.string(), payload: z.object({ fileName: z.string() }) })),
  paging,
  job,
});

/** Answer of whatever starts a job. */
export const copyAnswer = envelope.extend({
  data: z.object({ Result: z.string(), Message: z.string(), CorrelationId: z.string() }),
});

/** What an answer other than 200 may say more. */
export const refusal = envelope.extend({
  data: z
    .object({
      Errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
      Files: z
        .array(z.object({ collectionId: z.string(), fileName: z.string(), message: z.string().optional() }))
        .optional(),
    })
    .nullable()
    .catch(null),
});
