import { createRoute } from '@hono/zod-openapi';
import { requireScopes } from '../auth/require-scopes.ts';
import { viewerOf } from '../auth/caller.ts';
import type { ApiApp, ApiDeps } from '../context.ts';
import { envelope } from '../envelope.ts';
import { jobIdParam, requireJobId } from '../job-id.ts';
import { ANSWERS, envelopeSchema, jsonAnswer } from '../schemas/answers.ts';
import { EXAMPLE_JOB } from '../schemas/examples.ts';
import { jobSchema } from '../schemas/job.ts';
import { TEXTS } from '../texts.ts';
import { jobMessage, jobView } from '../views/job-view.ts';

const cancelling = { ...EXAMPLE_JOB, state: 'Cancelling', endedAt: null };
const jobAnswerSchema = envelopeSchema(jobSchema).openapi('JobAnswer');

const cancelRoute = createRoute({
  method: 'post',
  path: '/apollo/files/copy/{correlationId}/cancel',
  operationId: 'cancelJob',
  summary: 'Cancel a job',
  description:
    'No new write starts within a second. The job stays Cancelling until what was sent has been answered; a file that ' +
    'was copied stays Completed. Again on the same job: 200. Needs the scopes apollo_read and apollo_write.',
  security: [{ bearerAuth: ['apollo_read', 'apollo_write'] }],
  middleware: [requireScopes('apollo_read', 'apollo_write')] as const,
  request: { params: jobIdParam },
  responses: {
    200: jsonAnswer(
      'The state of the job after the signal.',
      jobAnswerSchema,
      envelope(200, jobMessage('Cancelling'), cancelling),
    ),
    401: ANSWERS.unauthorized,
    403: ANSWERS.missingScope,
    404: ANSWERS.noRecords,
    409: jsonAnswer('The job has ended.', jobAnswerSchema, envelope(409, TEXTS.jobEnded, EXAMPLE_JOB)),
    500: ANSWERS.internal,
    503: ANSWERS.unavailable,
  },
});

/** POST /apollo/files/copy/{correlationId}/cancel: asks the job to stop, answers its state after that. */
export function cancelJob(app: ApiApp, { jobs }: ApiDeps): void {
  app.openapi(cancelRoute, async (c) => {
    const correlationId = requireJobId(c, c.req.valid('param').correlationId);
    const status = await jobs.cancel(correlationId, viewerOf(c.get('caller')));
    return c.json(envelope(200, jobMessage(status.state), jobView(status)), 200);
  });
}
