import { z } from '@hono/zod-openapi';
import { JOB_STATES } from '../../contract/states.ts';
import { continuationToken, limit } from './paging.ts';

const TIME_RULE = 'must be a time in ISO 8601 with offset ("+" is written "%2B" in a query), given once';
const REQUESTOR_RULE = 'must be the name of a caller, given once';

/** A point in time; gives milliseconds since the epoch. */
function time(name: string, description: string) {
  return z.iso
    .datetime({ offset: true, error: TIME_RULE })
    .transform((text) => Date.parse(text))
    .optional()
    .openapi({
      param: { name, in: 'query', schema: { type: 'string', format: 'date-time' } },
      description,
      example: '2026-03-02T09:15:00Z',
    });
}

/** The query of GET /apollo/files/copy. */
export const jobsQuerySchema = z.strictObject({
  state: z
    .enum(JOB_STATES, { error: `must be one of ${JOB_STATES.join(', ')}, given once` })
    .optional()
    .openapi({ param: { name: 'state', in: 'query' }, description: 'Only jobs in this state.' }),
  startTime: time('startTime', 'Only jobs that started then or later.'),
  endTime: time('endTime', 'Only jobs that started before that.'),
  requestor: z
    .string({ error: REQUESTOR_RULE })
    .min(1, { error: REQUESTOR_RULE })
    .max(255, { error: REQUESTOR_RULE })
    .optional()
    .openapi({
      param: { name: 'requestor', in: 'query' },
      description:
        'Only jobs of this caller. Somebody else may be named with apollo_admin only; without it an administrator sees ' +
        "everyone's jobs.",
    }),
  limit,
  continuationToken,
});
