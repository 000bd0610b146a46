import { createHmac } from 'node:crypto';
import { decodeJwt, jwtVerify, type CryptoKey, type JWTPayload, type JWTVerifyOptions } from 'jose';
import { callerFromClaims } from '../../api/auth/token-claims.ts';
import type { TokenVerifier } from '../../api/auth/verify-token.ts';
import { keyPair, NOW } from './support.ts';

/** Looks at the claims, and not at the signature. */
export const unverified: TokenVerifier = async (token) => await Promise.resolve(callerFromClaims(decodeJwt(token)));

/** Takes what it has for a secret, whatever algorithm it was made for. */
export function byMac(secret: string | Buffer): TokenVerifier {
  return async (token) => {
    const [header = '', claims = '', mac = ''] = token.split('.');
    const expected = createHmac('sha256', secret).update(`${header}.${claims}`).digest('base64url');
    if (mac !== expected) throw new Error('another secret');
    return await unverified(token);
  };
}

/** Verifies with a key that the token says how to find. */
export function byKeyOf(isNamed: (header: Record<string, unknown>) => boolean, key: CryptoKey): TokenVerifier {
  return async (token) => {
    const findKey = (header: Record<string, unknown>) => {
      if (isNamed(header)) return key;
      throw new Error('names no key');
    };
    const { payload } = await jwtVerify(token, findKey, { currentDate: new Date(NOW) });
    return callerFromClaims(payload);
  };
}

/** Verifies signatures by the issuer's key, and claims by these rules only; who calls is read as it is told to. */
export function byRules(
  rules: JWTVerifyOptions,
  readClaims: (claims: JWTPayload) => JWTPayload = (claims) => claims,
): TokenVerifier {
  return async (token) => {
    const options = { algorithms: ['RS256'], currentDate: new Date(NOW), ...rules };
    const { payload } = await jwtVerify(token, keyPair.publicKey, options);
    return callerFromClaims(readClaims(payload));
  };
}
