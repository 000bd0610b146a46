import { createHash } from 'node:crypto';
import type { JobCursor, JobFilter } from '../jobs/job-service.ts';

/**
 * Continuation tokens of the list of jobs: behind which job the next page starts. Opaque to callers, and bound to who
 * asked for what. A token gives nothing that asking from the start would not give, so it is not signed.
 *
 * Layout, written as base64url (RFC 4648 section 5) without padding: version, 8 bytes of the question's SHA-256, 8 bytes
 * of microseconds since the epoch (big-endian), the job's id.
 */
const VERSION = 1;
const DIGEST_BYTES = 8;
const TIME_BYTES = 8;
const HEAD = 1 + DIGEST_BYTES + TIME_BYTES;

/** Who asks for which jobs. */
export interface JobsQuestion {
  caller: string;
  filter: JobFilter;
}

function digestOf({ caller, filter }: JobsQuestion): Buffer {
  const { requestor = null, state = null, startTime = null, endTime = null } = filter;
  const text = JSON.stringify([caller, requestor, state, startTime, endTime]);
  return createHash('sha256').update(text).digest().subarray(0, DIGEST_BYTES);
}

/** The token for the page behind this job. */
export function encodeJobsToken(question: JobsQuestion, { startedAt, correlationId }: JobCursor): string {
  const time = Buffer.alloc(TIME_BYTES);
  time.writeBigUInt64BE(BigInt(startedAt));
  return Buffer.concat([Buffer.of(VERSION), digestOf(question), time, Buffer.from(correlationId, 'utf8')]).toString(
    'base64url',
  );
}

/** The place a token stands for, or undefined where it is not one that this question was given. */
export function decodeJobsToken(token: string, question: JobsQuestion): JobCursor | undefined {
  const bytes = Buffer.from(token, 'base64url');
  if (bytes.length < HEAD) return undefined;
  const startedAt = Number(bytes.readBigUInt64BE(1 + DIGEST_BYTES));
  const cursor = { startedAt, correlationId: bytes.subarray(HEAD).toString('utf8') };
  if (!Number.isSafeInteger(startedAt)) return undefined;
  // Buffer skips what is not base64url, and a token has one spelling only: compare with what we would have written.
  return encodeJobsToken(question, cursor) === token ? cursor : undefined;
}
