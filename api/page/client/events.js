import { ApiError, ask } from './api.js';

/** @import { JobView } from '../../schemas/job.ts' */

/** How soon a stream that broke off is opened again, in milliseconds. */
const REOPEN_MS = 2_000;

/**
 * Follows a job by its events until its end. EventSource cannot send a token, so the stream is read by hand. While nobody
 * looks at the tab, nothing is read.
 * @param {string} correlationId
 * @param {{ onJob: (job: JobView) => void, onProblem: (problem: unknown) => void, signal: AbortSignal }} follower
 *   `onProblem` is called with undefined once it is over. Errors that do not pass end the following.
 */
export async function followJob(correlationId, { onJob, onProblem, signal }) {
  let lastEventId = '';
  const isOver = () => signal.aborted;
  while (!isOver()) {
    await visible(signal);
    const hidden = untilHidden();
    const headers = lastEventId === '' ? {} : { 'last-event-id': lastEventId };
    const either = AbortSignal.any([signal, hidden.signal]);
    try {
      const response = await ask(`apollo/status/events?correlationId=${correlationId}`, { headers, signal: either });
      onProblem(undefined);
      for await (const { event, id, data } of messages(response)) {
        if (isOver()) return;
        lastEventId = id;
        onJob(JSON.parse(data));
        if (event === 'end') return;
      }
      if (response.status === 204) return;
    } catch (error) {
      if (isOver()) return;
      if (!hidden.signal.aborted) {
        onProblem(error);
        if (error instanceof ApiError && ![0, 429, 503].includes(error.status)) return;
      }
    } finally {
      hidden.stop();
    }
    await new Promise((resolve) => setTimeout(resolve, REOPEN_MS));
  }
}

/** @param {AbortSignal} signal */
async function visible(signal) {
  while (document.hidden && !signal.aborted) {
    await new Promise((resolve) => {
      document.addEventListener('visibilitychange', resolve, { once: true });
    });
  }
}

/** A signal that is aborted once the tab is not looked at any more. */
function untilHidden() {
  const controller = new AbortController();
  const listener = () => {
    if (document.hidden) controller.abort();
  };
  document.addEventListener('visibilitychange', listener);
  return {
    signal: controller.signal,
    stop: () => {
      document.removeEventListener('visibilitychange', listener);
    },
  };
}

/**
 * The events of a stream (html.spec.whatwg.org, "server-sent events"), as this service writes them: a line feed ends a line.
 * @param {Response} response
 * @returns {AsyncGenerator<{ event: string, id: string, data: string }, void, undefined>}
 */
async function* messages({ body }) {
  if (body === null) return;
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      const blocks = (rest + part.value).split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) {
        const message = { event: '', id: '', data: '' };
        for (const line of block.split('\n')) {
          const [, name = '', value = ''] = /^(event|id|data): (.*)$/.exec(line) ?? [];
          if (name === 'event' || name === 'id' || name === 'data') message[name] = value;
        }
        if (message.data !== '') yield message;
      }
    }
  } finally {
    await reader.cancel();
  }
}
