import { createMiddleware } from 'hono/factory';
import { answerWith } from './answer-headers.ts';

/**
 * Answers that belong to one caller, or to one moment, are kept by no cache (RFC 9111 section 5.2.2.5). What is the same
 * for everyone may say otherwise.
 */
export const noStore = createMiddleware(async function forbidStoring(c, next) {
  await answerWith(c, { 'cache-control': 'no-store' }, next);
});
