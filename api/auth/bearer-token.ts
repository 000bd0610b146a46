import { AuthenticationError } from './authentication-error.ts';

/** RFC 6750 section 2.1: `b64token`. */
const B64TOKEN = /^[A-Za-z0-9\-._~+/]+=*$/;

/**
 * The token of an Authorization header (RFC 6750 section 2.1; the scheme's case does not matter, RFC 9110 section
 * 11.1). Throws AuthenticationError: `missing` where there is no header, no token in it or another scheme, `invalid`
 * where there is more than one token or something else that cannot be one.
 */
export function bearerToken(authorization: string | undefined): string {
  const [scheme = '', ...rest] = (authorization ?? '').trim().split(' ');
  // A scheme alone is no token, and a header that was sent twice arrives joined by a comma.
  const credentials = rest.join(' ').trim();
  if (scheme.toLowerCase() !== 'bearer' || credentials === '') {
    throw new AuthenticationError('missing', 'no bearer token');
  }
  if (!B64TOKEN.test(credentials)) throw new AuthenticationError('invalid', 'not one bearer token');
  return credentials;
}
