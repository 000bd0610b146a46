import type { Context } from 'hono';
import type { Admission } from '../../contract/messages.ts';
import type { ApiDeps, ApiEnv } from '../context.ts';
import { envelope } from '../envelope.ts';
import { accessDenied, correlationIdInUse, invalidRequest, jobAbandoned, locked } from '../http-error.ts';
import type { CopyAnswer, Patience } from '../jobs/job-service.ts';
import { preferredWait } from '../prefer.ts';
import { TEXTS } from '../texts.ts';
import { copyData } from '../views/copy-data.ts';

/** Why an admission was not given, in more words than the answer has. */
function refusal(admission: Admission): string | undefined {
  switch (admission.decision) {
    case 'accepted':
      return undefined;
    case 'forbidden':
      return admission.message;
    case 'invalid':
      return admission.errors.map(({ path, message }) => `${path}: ${message}`)[0];
    case 'locked':
      return admission.files.map(({ collectionId, fileName, message = '' }) =>
        `${collectionId}/${fileName} ${message}`.trimEnd(),
      )[0];
  }
}

/** Throws the answer of an admission that was not given. */
function requireAccepted(admission: Admission): void {
  switch (admission.decision) {
    case 'accepted':
      return;
    case 'forbidden':
      throw accessDenied();
    case 'invalid':
      throw invalidRequest(admission.errors);
    case 'locked':
      throw locked(admission.files);
  }
}

/** Aborted once the caller has gone, or the process is to end. */
export function givenUp(c: Context<ApiEnv>, { stopping }: Pick<ApiDeps, 'stopping'>): AbortSignal {
  const gone = c.req.raw.signal;
  return stopping === undefined ? gone : AbortSignal.any([gone, stopping]);
}

/**
 * Starts a job with the patience that the request's Prefer header asks for, and answers what became of it. Throws
 * HttpError where it was refused.
 */
export async function answerCopy(
  c: Context<ApiEnv>,
  deps: ApiDeps,
  correlationId: string,
  start: (patience?: Patience) => Promise<CopyAnswer>,
) {
  const seconds = preferredWait(c.req.header('prefer'));
  const patience = seconds === undefined ? undefined : { forMs: seconds * 1_000, signal: givenUp(c, deps) };
  const answer = await start(patience);
  if (answer.kind === 'conflict') throw correlationIdInUse();
  if (answer.kind === 'abandoned') throw jobAbandoned();
  if (answer.kind === 'decided') {
    c.set('reason', refusal(answer.admission));
    requireAccepted(answer.admission);
  }
  if (seconds !== undefined && answer.job !== undefined) c.header('preference-applied', `wait=${seconds}`);
  const [status, message] =
    answer.kind === 'decided' ? ([200, TEXTS.copyAccepted] as const) : ([202, TEXTS.copyRequested] as const);
  return c.json(
    envelope(status, message, copyData(deps.publicUrl, correlationId, answer.requested, answer.job)),
    status,
  );
}
