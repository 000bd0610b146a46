import { secureHeaders } from 'hono/secure-headers';

/**
 * Headers for answers that are data: no sniffing, no framing, nothing to load. A page that needs more sets its own
 * policy, which is kept. No HSTS: TLS ends before this process, and whoever ends it decides.
 */
export const securityHeaders = secureHeaders({
  overwrite: false,
  strictTransportSecurity: false,
  xFrameOptions: 'DENY',
  contentSecurityPolicy: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
});
