import { reason, type ReasonCode } from './reasons.ts';

/**
 * What a dry run says of a file. It stands in the file's message, so that whoever asks reads it there; the service's own
 * readers (the command line, the operator page) go by these words. Stored messages have them: they are never changed.
 */

/** What the message of a file begins with that a dry run has looked at. */
export const FORETOLD = reason('DRY_RUN', '');

/** What it goes on with, by what would become of the file. */
export const VERDICTS = {
  copied: 'would be copied',
  replaced: 'would replace the destination',
  skipped: 'would be skipped',
  failed: 'would fail',
} as const;

type Verdict = keyof typeof VERDICTS;

export function foretoldCopy(bytes: number): string {
  return `${FORETOLD}${VERDICTS.copied}, ${bytes} bytes`;
}

export function foretoldReplacement(bytes: number): string {
  return `${FORETOLD}${VERDICTS.replaced}, ${bytes} bytes`;
}

export function foretoldSkip(code: ReasonCode): string {
  return `${FORETOLD}${VERDICTS.skipped}: ${code}`;
}

/** `why`: a code, or `CODE: sentence`. */
export function foretoldFailure(why: string): string {
  return `${FORETOLD}${VERDICTS.failed}: ${why}`;
}

/** Whether a message is one of a dry run. */
export function isForetold(message: string): boolean {
  return message.startsWith(FORETOLD);
}

/** What a message foretells; undefined where it is none of a dry run. */
export function verdictOf(message: string): Verdict | undefined {
  const verdicts = Object.keys(VERDICTS) as Verdict[];
  return verdicts.find((verdict) => message.startsWith(FORETOLD + VERDICTS[verdict]));
}
