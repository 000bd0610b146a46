import type { z } from 'zod';
import { CliError, UnreachableError } from '../cli-error.ts';
import { EXIT } from '../exit-codes.ts';
import { printable } from '../text.ts';
import { refusal } from './answers.ts';

/** Statuses after which the same request may succeed a while later. */
const PASSING = new Set([408, 429, 500, 502, 503, 504]);

/** Of a long list, so many stand in the one line of an error. */
const NAMED = 3;

/** An answer that the same request would get again. */
export class RefusalError extends CliError {
  override readonly name = 'RefusalError';
  /** HTTP status of the answer. */
  readonly status: number;
  /** Whether it is the token that does not do, whatever was asked for. */
  readonly isOfToken: boolean;

  constructor(message: string, { status, isOfToken }: { status: number; isOfToken: boolean }) {
    super(status === 400 ? EXIT.usage : EXIT.refused, message);
    this.status = status;
    this.isOfToken = isOfToken;
  }
}

/** The error that an answer other than 2xx stands for. */
export function refusalError(response: Response, body: string): CliError {
  const { status } = response;
  const parsed = parse(body);
  const text = parsed === undefined ? 'the answer is not that of the Apollo API' : describe(parsed);
  const lacking = missingScope(response);
  const message = `${text}${lacking} (${status})`;
  if (PASSING.has(status)) return new UnreachableError(message, { retryAfterMs: retryAfterMs(response) });
  return new RefusalError(message, { status, isOfToken: status === 401 || lacking !== '' });
}

function parse(body: string): z.infer<typeof refusal> | undefined {
  try {
    return refusal.safeParse(JSON.parse(body)).data;
  } catch {
    // A proxy in between answers with pages or nothing.
    return undefined;
  }
}

function describe({ status: { message }, data }: z.infer<typeof refusal>): string {
  if (data?.Errors?.length) return first(data.Errors, (error) => inWords(`${error.path} ${error.message}`));
  if (data?.Files?.length) return `${message}: ${first(data.Files, lockedText)}`;
  return message;
}

/** Files of a list in the request by their number, from 1, as a person counts them. */
function inWords(mistake: string): string {
  return mistake.replace(
    /copyFileCollectionData\[(\d+)\](?:\.(\w+))?/g,
    (_, index: string, field?: string) => `file ${Number(index) + 1}${field === undefined ? '' : `: ${field}`}`,
  );
}

function lockedText({
  collectionId,
  fileName,
  message,
}: {
  collectionId: string;
  fileName: string;
  message?: string | undefined;
}): string {
  return `${collectionId}/${fileName}${message === undefined ? '' : `: ${message}`}`;
}

function first<T>(items: readonly T[], text: (item: T) => string): string {
  const named = items.slice(0, NAMED).map((item) => printable(text(item)));
  const more = items.length - named.length;
  return `${named.join('; ')}${more > 0 ? `; and ${more} more` : ''}`;
}

/** Which scopes a token lacks (RFC 6750 section 3). */
function missingScope(response: Response): string {
  const scopes = /scope="([\w ]+)"/.exec(response.headers.get('www-authenticate') ?? '')?.[1];
  return scopes === undefined ? '' : `: the token needs ${scopes.replaceAll(' ', ' and ')}`;
}

function retryAfterMs(response: Response): number | undefined {
  const value = response.headers.get('retry-after');
  return value !== null && /^\d{1,4}$/.test(value) ? Number(value) * 1_000 : undefined;
}
