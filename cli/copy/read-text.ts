import { createReadStream } from 'node:fs';
import { MAX_BODY_BYTES } from '../../contract/limits.ts';
import { usageError } from '../cli-error.ts';
import type { CliContext } from '../context.ts';
import { inOneLine } from '../text.ts';

/** Reads all of a file, or of standard input (`-`), as UTF-8. Throws CliError: not there, too long, not UTF-8. */
export async function readText(path: string, { stdin, signal }: CliContext): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    // Standard input is a stream of bytes as long as nobody sets its encoding.
    for await (const chunk of path === '-' ? stdin : createReadStream(path, { signal })) {
      chunks.push(chunk as Buffer);
      bytes += (chunk as Buffer).length;
      if (bytes > MAX_BODY_BYTES) break;
    }
  } catch (error) {
    signal.throwIfAborted();
    throw usageError(`${path} cannot be read: ${inOneLine(error)}`);
  }
  if (bytes > MAX_BODY_BYTES) throw tooLong(path);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
  } catch {
    throw usageError(`${path === '-' ? 'standard input' : path} is not UTF-8`);
  }
}

/** What to do with a list that no request holds. */
export function tooLong(path: string): Error {
  return usageError(
    `${path === '-' ? 'standard input' : path} is too long for a request (64 MiB): put it into a collection, and copy with --manifest`,
  );
}
