/**
 * What the operator page may do: run and look like what this service serves itself, and ask this service. No text becomes
 * markup or a script (`require-trusted-types-for`, with no policy that would let any through).
 */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');
