/**
 * Continuation tokens of the per-file views: where the next page starts, and in which job. Opaque to callers. A token
 * gives nothing that asking from the start would not give, so it is not signed.
 *
 * Layout, written as base64url (RFC 4648 section 5) without padding: version, 16 bytes of correlation id, 4 bytes of
 * index (big-endian).
 */
const VERSION = 1;
const ID_BYTES = 16;
const LENGTH = 1 + ID_BYTES + 4;

/** The token for the page of a job that starts at the file with this index. Takes a canonical correlation id. */
export function encodeContinuationToken(correlationId: string, index: number): string {
  const bytes = Buffer.alloc(LENGTH);
  bytes.writeUInt8(VERSION, 0);
  bytes.write(correlationId.replaceAll('-', ''), 1, ID_BYTES, 'hex');
  bytes.writeUInt32BE(index, 1 + ID_BYTES);
  return bytes.toString('base64url');
}

/** The index a token stands for, or undefined where it is not one that this job was given. */
export function decodeContinuationToken(token: string, correlationId: string): number | undefined {
  const bytes = Buffer.from(token, 'base64url');
  if (bytes.length !== LENGTH) return undefined;
  const index = bytes.readUInt32BE(1 + ID_BYTES);
  // Buffer skips what is not base64url, and a token has one spelling only: compare with what we would have written.
  return encodeContinuationToken(correlationId, index) === token ? index : undefined;
}
