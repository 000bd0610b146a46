import { createHmac, createPublicKey, KeyObject } from 'node:crypto';
import {
  base64url,
  CompactSign,
  EncryptJWT,
  FlattenedSign,
  exportJWK,
  exportSPKI,
  flattenedVerify,
  generateKeyPair,
  importPKCS8,
  importSPKI,
  jwtDecrypt,
  SignJWT,
  UnsecuredJWT,
  type JWTPayload,
} from 'jose';
import { callerFromClaims } from '../../api/auth/token-claims.ts';
import type { TokenVerifier } from '../../api/auth/verify-token.ts';
import { byKeyOf, byMac, byRules, unverified } from './careless-verifiers.ts';
import { CLAIMS, ISSUER, keyPair, NOW, signToken } from './support.ts';

/** A token that must not be accepted, and what would accept it. */
export interface Attack {
  title: string;
  make: () => Promise<string> | string;
  /** A verifier without the one defence that is attacked: it takes the token, so nothing else is wrong with it. */
  careless: TokenVerifier;
}

export const AUDIENCE = 'apollo';

const ALL_CLAIMS: JWTPayload = { ...CLAIMS, aud: AUDIENCE };
const SECONDS = Math.floor(NOW / 1_000);
const DAY = 86_400;

const attacker = await generateKeyPair('RS256', { extractable: true });
const attackerJwk = await exportJWK(attacker.publicKey);
const attackerDer = KeyObject.from(attacker.publicKey).export({ type: 'spki', format: 'der' }).toString('base64');
const issuersPem = await exportSPKI(keyPair.publicKey);
const issuersDer = createPublicKey(issuersPem).export({ type: 'spki', format: 'der' });
const ecKey = await generateKeyPair('ES256');
const EVIL = 'https://evil.example/keys';

const encode = (value: object) => base64url.encode(JSON.stringify(value));

/** A token of the attacker's own making, signed with the attacker's key. */
const forge = (header: Record<string, unknown>, alg = 'RS256') =>
  new SignJWT(ALL_CLAIMS).setProtectedHeader({ alg, ...header }).sign(attacker.privateKey);

/** A token of the issuer with other claims than usual. */
const issue = (claims: Record<string, unknown>) => signToken({ aud: AUDIENCE, ...claims });

/** A token with a MAC in place of a signature. */
function withMac(secret: string | Buffer, header: object = {}): string {
  const input = `${encode({ alg: 'HS256', kid: 'key-1', ...header })}.${encode(ALL_CLAIMS)}`;
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
}

/** A token that says nothing true of its signature. */
const unsigned = (header: object, signature: string) => `${encode(header)}.${encode(ALL_CLAIMS)}.${signature}`;

const signatureAttacks: Attack[] = [
  {
    title: 'no signature (alg none)',
    make: () => new UnsecuredJWT(ALL_CLAIMS).encode(),
    careless: unverified,
  },
  ...['None', 'NONE', 'nOnE', ''].map((alg) => ({
    title: `no signature (alg "${alg}")`,
    make: () => unsigned({ alg, kid: 'key-1' }, ''),
    careless: unverified,
  })),
  {
    title: 'no signature under an algorithm that wants one',
    make: () => unsigned({ alg: 'RS256', kid: 'key-1' }, ''),
    careless: unverified,
  },
  {
    title: 'the signature of another token',
    make: async () => unsigned({ alg: 'RS256', kid: 'key-1' }, (await issue({ sub: 'bob' })).split('.')[2] ?? ''),
    careless: unverified,
  },
  {
    title: 'an ECDSA signature of zeros (ES256)',
    make: () => unsigned({ alg: 'ES256', kid: 'key-ec' }, base64url.encode(Buffer.alloc(64))),
    careless: unverified,
  },
  {
    title: "HS256 with the issuer's public key (PEM) as the secret",
    make: () => withMac(issuersPem),
    careless: byMac(issuersPem),
  },
  {
    title: "HS256 with the issuer's public key (DER) as the secret",
    make: () => withMac(issuersDer),
    careless: byMac(issuersDer),
  },
  {
    title: "another key under the issuer's kid",
    make: () => forge({ kid: 'key-1' }),
    careless: byKeyOf(({ kid }) => kid === 'key-1', attacker.publicKey),
  },
  {
    title: 'another key without a kid',
    make: () => forge({}),
    careless: byKeyOf(({ kid }) => kid === undefined, attacker.publicKey),
  },
  {
    title: 'another algorithm than that of its key (PS256)',
    make: async () => {
      const pem = KeyObject.from(keyPair.privateKey).export({ type: 'pkcs8', format: 'pem' });
      const key = await importPKCS8(pem, 'PS256');
      return await new SignJWT(ALL_CLAIMS).setProtectedHeader({ alg: 'PS256', kid: 'key-1' }).sign(key);
    },
    careless: async (token) => await byKeyOf(() => true, await importSPKI(issuersPem, 'PS256'))(token),
  },
];

const keyAttacks: Attack[] = [
  {
    title: 'a kid that nobody knows',
    make: () => forge({ kid: 'key-of-the-attacker' }),
    careless: byKeyOf(({ kid }) => kid === 'key-of-the-attacker', attacker.publicKey),
  },
  {
    title: 'a kid that is the path of an empty file, and so an empty secret',
    make: () => withMac('', { kid: '../../../../../../dev/null' }),
    careless: byMac(''),
  },
  ...['__proto__', 'constructor', "' UNION SELECT 'key", EVIL].map((kid) => ({
    title: `a kid that is no name of a key: ${kid}`,
    make: () => forge({ kid }),
    careless: byKeyOf((header) => header.kid === kid, attacker.publicKey),
  })),
  {
    title: 'a kid that is a list with the right one in it',
    make: () => unsigned({ alg: 'RS256', kid: ['key-1'] }, base64url.encode('x')),
    careless: unverified,
  },
  {
    title: 'a key that it brings itself (jwk)',
    make: () => forge({ kid: 'key-1', jwk: attackerJwk }),
    careless: byKeyOf(({ jwk }) => jwk !== undefined, attacker.publicKey),
  },
  {
    title: 'the address of its own keys (jku)',
    make: () => forge({ kid: 'key-1', jku: EVIL }),
    careless: byKeyOf(({ jku }) => jku === EVIL, attacker.publicKey),
  },
  {
    title: 'the address of its own certificate (x5u)',
    make: () => forge({ kid: 'key-1', x5u: EVIL }),
    careless: byKeyOf(({ x5u }) => x5u === EVIL, attacker.publicKey),
  },
  {
    title: 'its own certificate (x5c)',
    make: () => forge({ kid: 'key-1', x5c: [attackerDer] }),
    careless: byKeyOf(({ x5c }) => Array.isArray(x5c) && x5c[0] === attackerDer, attacker.publicKey),
  },
];

const formAttacks: Attack[] = [
  {
    title: 'a critical header that is not understood (crit)',
    make: () =>
      new SignJWT(ALL_CLAIMS)
        .setProtectedHeader({ alg: 'RS256', kid: 'key-1', crit: ['exp-in-header'], 'exp-in-header': SECONDS })
        .sign(keyPair.privateKey, { crit: { 'exp-in-header': true } }),
    careless: byRules({ crit: { 'exp-in-header': true } }),
  },
  {
    title: 'claims that are not encoded (b64: false)',
    make: async () => {
      const payload = encode(ALL_CLAIMS);
      const signed = await new FlattenedSign(Buffer.from(payload))
        .setProtectedHeader({ alg: 'RS256', kid: 'key-1', crit: ['b64'], b64: false })
        .sign(keyPair.privateKey);
      return `${signed.protected ?? ''}.${payload}.${signed.signature}`;
    },
    async careless(token) {
      const [header = '', payload = '', signature = ''] = token.split('.');
      await flattenedVerify({ protected: header, payload, signature }, keyPair.publicKey);
      return await unverified(token);
    },
  },
  {
    title: "encryption to the issuer's public key in place of a signature (JWE)",
    make: async () =>
      await new EncryptJWT(ALL_CLAIMS)
        .setProtectedHeader({ alg: 'RSA-OAEP-256', enc: 'A256GCM', kid: 'key-1' })
        .encrypt(await importSPKI(issuersPem, 'RSA-OAEP-256')),
    async careless(token) {
      const pem = KeyObject.from(keyPair.privateKey).export({ type: 'pkcs8', format: 'pem' });
      const key = await importPKCS8(pem, 'RSA-OAEP-256');
      return callerFromClaims((await jwtDecrypt(token, key, { currentDate: new Date(NOW) })).payload);
    },
  },
];

/** Copies claims as careless code does: a claim `__proto__` becomes what the others are inherited from. */
function merged(claims: JWTPayload): JWTPayload {
  const copy: JWTPayload = {};
  for (const [name, value] of Object.entries(claims)) copy[name] = value;
  return { ...copy, sub: copy.sub ?? '' };
}

/** A token whose claims have a member `__proto__` of their own, with the caller in it. */
function withInheritedCaller(): Promise<string> {
  const claims = JSON.stringify({ ...ALL_CLAIMS, sub: undefined }).replace('{', '{"__proto__":{"sub":"alice"},');
  return new CompactSign(Buffer.from(claims))
    .setProtectedHeader({ alg: 'RS256', kid: 'key-1' })
    .sign(keyPair.privateKey);
}

const claimAttacks: Attack[] = [
  {
    title: 'an end that is over',
    make: () => issue({ exp: SECONDS - 60 }),
    careless: byRules({ currentDate: new Date(NOW - DAY * 1_000) }),
  },
  { title: 'no end', make: () => issue({ exp: undefined }), careless: byRules({}) },
  {
    title: 'an end without end (1e999)',
    make: () => {
      const claims = JSON.stringify({ ...ALL_CLAIMS, exp: 0 }).replace('"exp":0', '"exp":1e999');
      return new CompactSign(Buffer.from(claims))
        .setProtectedHeader({ alg: 'RS256', kid: 'key-1' })
        .sign(keyPair.privateKey);
    },
    careless: byRules({}),
  },
  {
    title: 'a beginning that is still to come',
    make: () => issue({ nbf: SECONDS + 61 }),
    careless: byRules({ clockTolerance: DAY }),
  },
  { title: 'another issuer', make: () => issue({ iss: 'https://evil.example' }), careless: byRules({}) },
  {
    title: "an issuer that begins like the right one's name",
    make: () => issue({ iss: `${ISSUER}.evil.example` }),
    careless: byRules({}),
  },
  { title: 'no issuer', make: () => issue({ iss: undefined }), careless: byRules({}) },
  { title: 'another audience', make: () => issue({ aud: 'another-service' }), careless: byRules({}) },
  { title: 'an audience that looks alike', make: () => issue({ aud: ['apollo ', 'Apollo'] }), careless: byRules({}) },
  { title: 'no audience', make: () => signToken({}), careless: byRules({}) },
  {
    title: 'no caller',
    make: () => issue({ sub: undefined }),
    careless: byRules({}, (claims) => ({ ...claims, sub: 'anonymous' })),
  },
  {
    title: 'a caller in a claim that names nobody for sure (email)',
    make: () => issue({ sub: undefined, email: 'alice@example.com' }),
    careless: byRules({}, (claims) => ({ ...claims, sub: String(claims.email) })),
  },
  {
    title: 'a caller that is only inherited (__proto__)',
    make: withInheritedCaller,
    careless: byRules({}, merged),
  },
];

/** Attacks that have to be answered with 401. */
export const TOKEN_ATTACKS: Readonly<Record<string, readonly Attack[]>> = {
  'its signature': signatureAttacks,
  'the key that verifies it': keyAttacks,
  'its form': formAttacks,
  'its claims': claimAttacks,
};

const scopeClaim = (scope: unknown) => ({ make: () => issue({ scope }) });

/** Reads scopes as generously as somebody might. */
const generously = byRules({}, (claims) => {
  const text = JSON.stringify([claims.scope, claims.scp, claims.roles, claims.permissions]).toLowerCase();
  return { ...claims, scope: text.match(/apollo_(?:read|write)/g) ?? [], scp: undefined };
});

/** Tokens of the issuer that lack a scope, whatever it looks like: 403. */
export const SCOPE_ATTACKS: readonly Attack[] = [
  { title: 'scopes in another case', ...scopeClaim('APOLLO_READ APOLLO_WRITE') },
  { title: 'scopes that begin alike', ...scopeClaim('apollo_reader apollo_writer') },
  { title: 'scopes that end alike', ...scopeClaim('my_apollo_read my_apollo_write') },
  { title: 'scopes between commas', ...scopeClaim('apollo_read,apollo_write') },
  { title: 'scopes between tabs', ...scopeClaim('apollo_read\tapollo_write') },
  { title: 'scopes between no-break spaces', ...scopeClaim('apollo_read\u00a0apollo_write') },
  { title: 'several scopes in one element', ...scopeClaim(['apollo_read apollo_write']) },
  {
    title: 'scopes in a claim that is none of scopes',
    make: () => issue({ scope: '', roles: 'apollo_read apollo_write' }),
  },
  {
    title: 'scopes in scp that scope does not have',
    make: () => issue({ scope: '', scp: 'apollo_read apollo_write' }),
  },
].map((attack) => ({ ...attack, careless: generously }));

/** The key of ES256 that the attacked service knows beside its usual one. */
export const ecJwk = { ...(await exportJWK(ecKey.publicKey)), kid: 'key-ec', alg: 'ES256', use: 'sig' };
