import {
  decodeProtectedHeader,
  errors,
  jwtVerify,
  type JWTHeaderParameters,
  type JWTVerifyGetKey,
  type JWTVerifyOptions,
} from 'jose';
import { ServiceUnavailableError } from '../jobs/job-service.ts';
import { AuthenticationError } from './authentication-error.ts';
import type { Caller } from './caller.ts';
import { callerFromClaims } from './token-claims.ts';
import { VerifiedTokens } from './verified-tokens.ts';

/** Asymmetric only: with these, an issuer's public key can never pass for a secret. */
const ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA'];

/** How far the issuer's clock and ours may be apart. */
const LEEWAY_SECONDS = 60;

/** Verifies a token and tells its caller. Throws AuthenticationError, or ServiceUnavailableError('keys'). */
export type TokenVerifier = (token: string) => Promise<Caller>;

export interface TokenRules {
  issuer: string;
  /** Has to be among the token's audiences; undefined: any. */
  audience: string | undefined;
  keys: JWTVerifyGetKey;
  /** Milliseconds since the epoch. */
  now?: () => number;
}

/** Tells a token whose key there is not (401) from keys that cannot be had or used (503). */
function keysOrUnavailable(keys: JWTVerifyGetKey): JWTVerifyGetKey {
  return async function findKey(header, token) {
    try {
      return await keys(header, token);
    } catch (error) {
      const isTokensFault =
        error instanceof errors.JWKSNoMatchingKey ||
        error instanceof errors.JWKSMultipleMatchingKeys ||
        error instanceof errors.JOSENotSupported;
      throw isTokensFault ? error : new ServiceUnavailableError('keys', error);
    }
  };
}

/** Why jose refuses a token: its stable code and the claim. Its messages are not used; a cause may hold the claims. */
function refusal(error: unknown): AuthenticationError {
  if (error instanceof errors.JWTClaimValidationFailed || error instanceof errors.JWTExpired) {
    return new AuthenticationError('invalid', `${error.code} ${error.claim}`);
  }
  return new AuthenticationError('invalid', error instanceof errors.JOSEError ? error.code : 'not verifiable');
}

/** Names the key of a token that was well-formed before. */
async function keyFor(token: string, findKey: JWTVerifyGetKey): Promise<unknown> {
  const [header = '', payload = '', signature = ''] = token.split('.');
  return await findKey(decodeProtectedHeader(token) as JWTHeaderParameters, { protected: header, payload, signature });
}

/**
 * A verifier by these rules (RFC 7519, RFC 8725): signature by one of the issuer's keys, `iss`, `aud` where one is
 * asked for, `exp` required and finite, `nbf`, and a caller in it.
 */
export function createTokenVerifier({ issuer, audience, keys, now = Date.now }: TokenRules): TokenVerifier {
  const findKey = keysOrUnavailable(keys);
  const rules: JWTVerifyOptions = {
    algorithms: ALGORITHMS,
    issuer,
    ...(audience !== undefined && { audience }),
    clockTolerance: LEEWAY_SECONDS,
  };
  const verified = new VerifiedTokens();

  async function verify(token: string): Promise<Caller> {
    const from = now();
    const known = await verified.find(token, from, () => keyFor(token, findKey));
    if (known !== undefined) return known;
    const { payload, key } = await jwtVerify(token, findKey, { ...rules, currentDate: new Date(from) });
    // Absent, or JSON's 1e999, which is Infinity: jose lets both pass, and neither ever ends.
    const { exp = Number.NaN } = payload;
    if (!Number.isFinite(exp)) throw new AuthenticationError('invalid', 'no end in claim "exp"');
    const caller = callerFromClaims(payload);
    verified.remember(token, { key, caller, from, until: (exp + LEEWAY_SECONDS) * 1_000 });
    return caller;
  }

  return async function verifyToken(token) {
    try {
      return await verify(token);
    } catch (error) {
      throw error instanceof ServiceUnavailableError || error instanceof AuthenticationError ? error : refusal(error);
    }
  };
}
