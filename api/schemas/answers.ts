import { z } from '@hono/zod-openapi';
import { envelope } from '../envelope.ts';
import { TEXTS } from '../texts.ts';
import { jobSchema } from './job.ts';

const statusSchema = z
  .strictObject({
    message: z.string(),
    code: z.string().openapi({ description: 'The HTTP status, as a string.' }),
  })
  .openapi('Status');

/** The schema of an answer in the envelope. */
export function envelopeSchema<Data extends z.ZodType>(data: Data) {
  return z.strictObject({ status: statusSchema, data });
}

/** The headers of an answer about a job. */
export const CORRELATION_ID_HEADERS = {
  'x-correlation-id': {
    description: 'Names the job; there as soon as one is known.',
    schema: { type: 'string' as const, format: 'uuid' },
  },
};

const retryAfterHeader = {
  'retry-after': { description: 'Seconds to wait.', schema: { type: 'integer' as const } },
};

const challengeHeader = {
  'www-authenticate': {
    description: 'The challenge of RFC 6750; `error` is there where a token was sent.',
    schema: { type: 'string' as const },
  },
};

/** The answer that is one job. */
export const jobAnswerSchema = envelopeSchema(jobSchema).openapi('JobAnswer');

/** An answer in JSON, as OpenAPI describes one. */
export function jsonAnswer<S extends z.ZodType>(description: string, schema: S, example: unknown, headers = {}) {
  return {
    description,
    headers: { ...CORRELATION_ID_HEADERS, ...headers },
    content: { 'application/json': { schema, example } },
  };
}

const withoutData = envelopeSchema(z.null()).openapi('Error');

/** The answer of a conflict that may be about a job. */
export const conflictSchema = envelopeSchema(z.union([jobSchema, z.null()])).openapi('Conflict');

const withMistakes = envelopeSchema(
  z.strictObject({ Errors: z.array(z.strictObject({ path: z.string(), message: z.string() })) }),
).openapi('Mistakes');

const withLockedFiles = envelopeSchema(
  z.strictObject({
    Files: z.array(
      z.strictObject({
        collectionId: z.string(),
        fileName: z.string().openapi({ description: 'Of a prefix, the prefix; empty: the whole collection.' }),
        message: z
          .string()
          .optional()
          .openapi({
            description:
              'What is locked, the file or everything under a prefix, and by whom: a job, by its correlation id, or a ' +
              'person, with the reason given.',
          }),
      }),
    ),
  }),
).openapi('LockedFiles');

function plainError(status: number, description: string, text: string, headers = {}) {
  return jsonAnswer(description, withoutData, envelope(status, text, null), headers);
}

/** The answers of a request that is wrong in itself: all its mistakes, an example of one. */
export function mistakes(description: string, text: string, path: string, message: string) {
  return jsonAnswer(description, withMistakes, envelope(400, text, { Errors: [{ path, message }] }));
}

/** Answers that more than one route gives. */
export const ANSWERS = {
  unauthorized: plainError(401, 'No token, or one that is not valid.', TEXTS.unauthorized, challengeHeader),
  missingScope: plainError(403, 'The token lacks a scope.', TEXTS.forbidden, challengeHeader),
  forbidden: plainError(
    403,
    'The token lacks a scope, or the caller may not use one of the collections (an unknown one included). Which one is said ' +
      'by the `message` of the job’s status, whose id is the `x-correlation-id` of this answer.',
    TEXTS.forbidden,
    challengeHeader,
  ),
  noRecords: plainError(404, 'There is no such job, or it is not for this caller to see.', TEXTS.noRecords),
  correlationIdInUse: plainError(
    409,
    'The `x-correlation-id` is in use by another caller or for another request, or its job was ended by force before it ' +
      'was decided.',
    TEXTS.correlationIdInUse,
  ),
  tooLarge: plainError(413, 'The body is over 64 MiB.', TEXTS.tooLarge),
  tooMany: plainError(
    429,
    'This caller has too many requests, or long lists, under way. The same request may be sent again.',
    TEXTS.tooMany,
    retryAfterHeader,
  ),
  tooSlow: plainError(408, 'The body did not arrive in time; the connection is closed.', TEXTS.tooSlow),
  unsupportedMediaType: plainError(415, 'The body is not `application/json`.', TEXTS.unsupportedMediaType),
  locked: jsonAnswer(
    'A file, or everything under a prefix, is locked by another job or by hand; `data.Files` lists which, and who holds them. Nothing is locked or copied.',
    withLockedFiles,
    envelope(423, TEXTS.locked, {
      Files: [
        {
          collectionId: 'example-collection-copy',
          fileName: 'example_image.jpg',
          message: 'the file is locked by ann@laptop (audit until Friday)',
        },
      ],
    }),
  ),
  internal: plainError(500, 'A defect of the service; its log says more.', TEXTS.internal),
  unavailable: plainError(
    503,
    'Temporal, storage or the keys of the token issuer do not answer. The same request may be sent again.',
    TEXTS.unavailable,
    retryAfterHeader,
  ),
};
