import { createRoute } from '@hono/zod-openapi';
import type { JobState } from '../../contract/states.ts';
import { requireScopes } from '../auth/require-scopes.ts';
import { viewerOf } from '../auth/caller.ts';
import type { ApiApp, ApiDeps } from '../context.ts';
import { envelope } from '../envelope.ts';
import { jobIdParam, requireJobId } from '../job-id.ts';
import { JOB_ACTIONS, type JobAction } from '../jobs/job-service.ts';
import { withoutQuery } from '../middleware/without-query.ts';
import { ANSWERS, jobAnswerSchema, jsonAnswer, mistakes } from '../schemas/answers.ts';
import { EXAMPLE_JOB, EXAMPLE_RUNNING_JOB } from '../schemas/examples.ts';
import { TEXTS } from '../texts.ts';
import { jobMessage, jobView } from '../views/job-view.ts';

interface Documentation {
  summary: string;
  description: string;
  stateAfter: JobState;
}

const DOCUMENTATION: Readonly<Record<JobAction, Documentation>> = {
  cancel: {
    summary: 'Cancel a job',
    description:
      'No new write starts within a second. The job stays Cancelling until what was sent has been answered; a file ' +
      'that was copied stays Completed.',
    stateAfter: 'Cancelling',
  },
  pause: {
    summary: 'Pause a job',
    description:
      'No new write starts within a second; what was sent is waited for. The job keeps its locks. One that is not ' +
      'decided yet stays Requested and is paused once it is accepted.',
    stateAfter: 'Paused',
  },
  resume: {
    summary: 'Resume a paused job',
    description: 'Copying goes on from what is done.',
    stateAfter: 'Processing',
  },
};

function controlRoute(action: JobAction) {
  const { summary, description, stateAfter } = DOCUMENTATION[action];
  return createRoute({
    method: 'post',
    path: `/apollo/files/copy/{correlationId}/${action}`,
    operationId: `${action}Job`,
    tags: ['Control'],
    summary,
    description: `${description} Again on the same state: 200. Needs the scopes apollo_read and apollo_write.`,
    security: [{ bearerAuth: ['apollo_read', 'apollo_write'] }],
    middleware: [requireScopes('apollo_read', 'apollo_write'), withoutQuery] as const,
    request: { params: jobIdParam },
    responses: {
      200: jsonAnswer(
        'The state of the job after the signal.',
        jobAnswerSchema,
        envelope(200, jobMessage(stateAfter), { ...EXAMPLE_RUNNING_JOB, state: stateAfter }),
      ),
      400: mistakes('There are no query parameters.', TEXTS.invalid, 'force', 'is not a parameter here; there is none'),
      401: ANSWERS.unauthorized,
      403: ANSWERS.missingScope,
      404: ANSWERS.noRecords,
      409: jsonAnswer(
        'The job has ended, or takes no more signals but a cancellation.',
        jobAnswerSchema,
        envelope(409, TEXTS.jobEnded, EXAMPLE_JOB),
      ),
      429: ANSWERS.tooMany,
      500: ANSWERS.internal,
      503: ANSWERS.unavailable,
    },
  });
}

/** POST /apollo/files/copy/{correlationId}/{cancel|pause|resume}: sends the signal, answers the job's state after it. */
export function controlJob(app: ApiApp, { jobs }: ApiDeps): void {
  for (const action of JOB_ACTIONS) {
    app.openapi(controlRoute(action), async (c) => {
      const correlationId = requireJobId(c, c.req.valid('param').correlationId);
      const status = await jobs.control(correlationId, viewerOf(c.get('caller')), action);
      return c.json(envelope(200, jobMessage(status.state), jobView(status)), 200);
    });
  }
}
