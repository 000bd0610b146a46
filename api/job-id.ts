import { z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { parseCorrelationId } from '../contract/ids.ts';
import type { ApiEnv } from './context.ts';
import { JobNotFoundError } from './jobs/job-service.ts';
import { setCorrelationId } from './middleware/correlation-id.ts';
import { EXAMPLE_ID } from './schemas/examples.ts';

/** The path parameter that names a job. Any text: one that is no UUID names no job, which is a 404. */
export const jobIdParam = z.object({
  correlationId: z.string().openapi({
    param: { name: 'correlationId', in: 'path' },
    format: 'uuid',
    description: 'Names the job.',
    example: EXAMPLE_ID,
  }),
});

/** The query parameter that names a job. It has to be there; one that is no UUID names no job. */
export const jobIdQuery = z
  .string({ error: ({ input }) => (input === undefined ? 'is required' : 'must be given once') })
  .min(1, { error: 'is required' })
  .openapi({ param: { name: 'correlationId', in: 'query' }, format: 'uuid', example: EXAMPLE_ID });

/** The canonical id of the job that a request names; the answer carries it from here on. Throws JobNotFoundError. */
export function requireJobId(c: Context<ApiEnv>, text: string): string {
  const correlationId = parseCorrelationId(text);
  setCorrelationId(c, correlationId);
  if (correlationId === undefined) throw noSuchJob();
  return correlationId;
}

/** The answer to a text that can name no job. The text is not in it: it may be a secret, put there by mistake. */
export function noSuchJob(): JobNotFoundError {
  return new JobNotFoundError('what names the job is no UUID');
}
