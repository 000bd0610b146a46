import { z } from '@hono/zod-openapi';
import { DEFAULT_PAGE_LIMIT, MAX_PAGE_LIMIT } from '../../contract/limits.ts';
import { FILE_STATES } from '../../contract/states.ts';

const LIMIT_RULE = `must be a whole number from 1 to ${MAX_PAGE_LIMIT}, given once`;

const pageLimit = z
  .string({ error: LIMIT_RULE })
  .regex(/^[1-9]\d{0,3}$/, { error: LIMIT_RULE, abort: true })
  .transform(Number)
  .refine((value) => value <= MAX_PAGE_LIMIT, { error: LIMIT_RULE })
  .optional();

function documentedLimit(otherwise: string) {
  return pageLimit.openapi({
    param: { name: 'limit', in: 'query', schema: { type: 'integer', minimum: 1, maximum: MAX_PAGE_LIMIT } },
    description: `How many entries a page has, from 1 to ${MAX_PAGE_LIMIT}; ${otherwise}.`,
    example: '100',
  });
}

/** How many entries a page has; undefined where the request does not say. */
export const limit = documentedLimit(`${DEFAULT_PAGE_LIMIT} without it`);

/** The same of an answer that is paged only where that is asked for. */
export const optionalLimit = documentedLimit(
  `without it ${DEFAULT_PAGE_LIMIT} where \`continuationToken\` is given, else everything`,
);

/** The token of an earlier page; whether it is ours is for those who decode it to say. */
export const continuationToken = z
  .string({ error: 'must be given once' })
  .optional()
  .openapi({
    param: { name: 'continuationToken', in: 'query' },
    description: 'Where to go on: `paging.continuationToken` of the page before. Belongs to the same question.',
  });

export const fileState = z
  .enum(FILE_STATES, { error: `must be one of ${FILE_STATES.join(', ')}, given once` })
  .optional()
  .openapi({ param: { name: 'state', in: 'query' }, description: 'Only files in this state.' });

/** What stands beside `data` in a paged answer. */
export const pagingSchema = z
  .strictObject({
    totalCount: z.int().nonnegative().openapi({ description: 'What matches, on all pages.' }),
    continuationToken: z.string().nullable().openapi({ description: 'Where to go on; null on the last page.' }),
  })
  .openapi('Paging', { example: { totalCount: 2, continuationToken: null } });

export type Paging = z.infer<typeof pagingSchema>;
