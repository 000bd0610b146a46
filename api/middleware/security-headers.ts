import { createMiddleware } from 'hono/factory';
import { answerWith } from './answer-headers.ts';

/**
 * Headers for answers that are data: no sniffing, no framing, nothing to load, nothing told to other sites. No HSTS: TLS
 * ends before this process, and whoever ends it decides.
 */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'origin-agent-cluster': '?1',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'x-permitted-cross-domain-policies': 'none',
};

/** Puts these headers on every answer; a page that needs more sets its own policy, which is kept. */
export const securityHeaders = createMiddleware(async function addSecurityHeaders(c, next) {
  await answerWith(c, SECURITY_HEADERS, next);
});
