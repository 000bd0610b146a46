import type { JWTPayload } from 'jose';
import { AuthenticationError } from './authentication-error.ts';
import { SCOPES, type Caller } from './caller.ts';

/** OpenID Connect's bound on `sub`, and Temporal's on the Keyword attribute that the caller's name becomes. */
const MAX_NAME_LENGTH = 255;

const CONTROL_CHARACTER = /[\u0000-\u001f\u007f-\u009f]/;

/** A claim that names somebody: undefined where it is absent, refused where it is there and doubtful. */
function nameClaim(claims: JWTPayload, claim: 'sub' | 'client_id'): string | undefined {
  const value: unknown = claims[claim];
  if (value === undefined) return undefined;
  if (typeof value !== 'string' || value.trim() === '' || !value.isWellFormed()) {
    throw new AuthenticationError('invalid', `claim "${claim}" is not a name`);
  }
  if (value.length > MAX_NAME_LENGTH || CONTROL_CHARACTER.test(value)) {
    throw new AuthenticationError('invalid', `claim "${claim}" is too long or holds control characters`);
  }
  return value;
}

/** A claim that lists scopes, as an array or separated by spaces (RFC 6749 section 3.3). */
function scopeClaim(claims: JWTPayload, claim: 'scope' | 'scp'): string[] | undefined {
  const value: unknown = claims[claim];
  if (value === undefined) return undefined;
  if (typeof value === 'string') return value.split(' ').filter((scope) => scope !== '');
  if (Array.isArray(value) && value.every((scope) => typeof scope === 'string')) return value;
  throw new AuthenticationError('invalid', `claim "${claim}" does not list scopes`);
}

/**
 * The caller that verified claims speak of: `sub`, else `client_id`. `scope` counts where it is there, else `scp`;
 * neither is a token without scopes. Throws AuthenticationError where a claim is of a doubtful type, even one that
 * would not be needed.
 */
export function callerFromClaims(claims: JWTPayload): Caller {
  const principals = [nameClaim(claims, 'sub'), nameClaim(claims, 'client_id')].filter((name) => name !== undefined);
  const [caller] = principals;
  if (caller === undefined) throw new AuthenticationError('invalid', 'no caller in the token');
  const scope = scopeClaim(claims, 'scope');
  const scp = scopeClaim(claims, 'scp');
  const granted = scope ?? scp ?? [];
  return {
    requestor: { caller, principals: [...new Set(principals)] },
    scopes: new Set(SCOPES.filter((known) => granted.includes(known))),
  };
}
