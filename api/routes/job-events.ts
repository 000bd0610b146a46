import { createRoute, z } from '@hono/zod-openapi';
import type { HttpBindings } from '@hono/node-server';
import type { Context } from 'hono';
import { streamSSE } from 'hono/streaming';
import { validator } from 'hono/validator';
import { MONOTONIC_CLOCK } from '../../storage/pacing/clock.ts';
import { viewerOf } from '../auth/caller.ts';
import { requireScopes } from '../auth/require-scopes.ts';
import type { ApiApp, ApiDeps, ApiEnv } from '../context.ts';
import { JobFeeds } from '../events/job-feeds.ts';
import { hasHadAll } from '../events/ledger.ts';
import { sendEvents } from '../events/send-events.ts';
import { invalidRequest } from '../http-error.ts';
import { jobIdQuery, requireJobId } from '../job-id.ts';
import { LIMITS } from '../limits.ts';
import { Quota } from '../quota.ts';
import { queryErrors } from '../request-errors.ts';
import { ANSWERS, CORRELATION_ID_HEADERS, mistakes } from '../schemas/answers.ts';
import { EXAMPLE_EVENTS } from '../schemas/examples.ts';
import { TEXTS } from '../texts.ts';

const LAST_EVENT_ID = 'last-event-id';

/** Longer than any id of ours; what is no id of ours is as good as none. */
const MAX_ID_LENGTH = 100;

const eventsQuery = z.strictObject({ correlationId: jobIdQuery });

const eventsHeaders = z.object({
  [LAST_EVENT_ID]: z.string().optional().openapi({
    description: 'Goes on behind this event: what it told is not told again.',
    example: 'Vb0uVpTSmHkq3dZa',
  }),
});

const eventsRoute = createRoute({
  method: 'get',
  path: '/apollo/status/events',
  operationId: 'jobEvents',
  tags: ['Status'],
  summary: 'A job as it goes on, as Server-Sent Events',
  description:
    'An event `progress` whenever the job has changed, at most two a second, with the `job` object of the other views as ' +
    'its data; at the end one event `end` with the same data, and the stream is closed. Comments in between say that ' +
    'the connection lives. A stream that closes without `end` (after 15 minutes; when the service is restarted) is to ' +
    'be opened again, with `last-event-id`. Needs the scope apollo_read.',
  security: [{ bearerAuth: ['apollo_read'] }],
  request: { query: eventsQuery, headers: eventsHeaders },
  responses: {
    200: {
      description: 'The events.',
      headers: CORRELATION_ID_HEADERS,
      content: { 'text/event-stream': { schema: z.string(), example: EXAMPLE_EVENTS } },
    },
    204: { description: 'The job has ended, and `last-event-id` is its last event: there is nothing more to tell.' },
    400: mistakes('No correlation id.', TEXTS.correlationIdMissing, 'correlationId', 'is required'),
    401: ANSWERS.unauthorized,
    403: ANSWERS.missingScope,
    404: ANSWERS.noRecords,
    429: ANSWERS.tooMany,
    500: ANSWERS.internal,
    503: ANSWERS.unavailable,
  },
});

const checkedQuery = validator('query', (value) => {
  const query = eventsQuery.safeParse(value);
  if (query.success) return query.data;
  const errors = queryErrors(query.error, eventsQuery);
  const isIdMissing = errors.some(({ path }) => path === 'correlationId');
  throw invalidRequest(errors, isIdMissing ? TEXTS.correlationIdMissing : TEXTS.invalid);
});

/** Ends the connection of a client that takes nothing any more; there is none where the app is called directly. */
function disconnect(c: Context<ApiEnv>): void {
  (c.env as Partial<HttpBindings> | undefined)?.outgoing?.destroy();
}

/** GET /apollo/status/events. Registered by hand, since it is streamed. */
export function jobEvents(app: ApiApp, deps: ApiDeps): void {
  const { jobs, log, stopping, limits = LIMITS, clock = MONOTONIC_CLOCK } = deps;
  const listeners = new Quota(limits.listeners);
  const feeds = new JobFeeds({ jobs, clock, log, share: limits.watchedJobs });
  app.openAPIRegistry.registerPath(eventsRoute);
  app.get(eventsRoute.getRoutingPath(), requireScopes('apollo_read'), checkedQuery, async (c) => {
    const correlationId = requireJobId(c, c.req.valid('query').correlationId);
    const caller = c.get('caller');
    const lastEventId = c.req.header(LAST_EVENT_ID)?.slice(0, MAX_ID_LENGTH);
    const release = listeners.take(caller.requestor.caller);
    const seat = await feeds.join(correlationId, viewerOf(caller)).catch((error: unknown) => {
      release();
      throw error;
    });
    const leave = () => {
      seat.leave();
      release();
    };
    if (hasHadAll(seat.feed, lastEventId)) {
      leave();
      return c.body(null, 204);
    }
    // What answers HEAD never reads a body.
    if (c.req.raw.method === 'HEAD') {
      leave();
      return c.body(null, 200, { 'content-type': 'text/event-stream' });
    }
    const response = streamSSE(c, async (stream) => {
      try {
        if (await sendEvents(stream, seat, { lastEventId, clock, stopping })) return;
        log.info({ correlationId }, 'a listener that takes nothing is disconnected');
        stream.abort();
        disconnect(c);
      } finally {
        leave();
      }
    });
    response.headers.set('cache-control', 'no-store');
    // Proxies are not to collect events until there are many (nginx).
    response.headers.set('x-accel-buffering', 'no');
    return response;
  });
}
