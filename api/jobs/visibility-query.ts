import { createHash } from 'node:crypto';
import { COPY_WORKFLOW } from '../../contract/ids.ts';
import { isEndState, JOB_STATES, type JobState } from '../../contract/states.ts';
import type { JobFilter } from './job-service.ts';

/** Longest value of a Keyword attribute that every visibility store of Temporal takes, in characters. */
const MAX_KEYWORD_LENGTH = 255;

const ENDED_BY_FORCE = "('Terminated', 'TimedOut')";

/**
 * A caller's name as the attribute `CopyRequestor` holds it. Temporal reads `\` and `'` in a query's literals, but gives
 * its stores the escaped text (server 1.32, seen on the development server): a name with a backslash or a double quote
 * could be stored and never be asked for. So these, single quotes and the percent sign are percent-encoded; a name that
 * becomes too long by that is its digest, behind a prefix no name is encoded to. Most names stay as they are.
 */
export function requestorKeyword(caller: string): string {
  const encoded = caller.replace(/[\\"'%]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
  if (encoded.length <= MAX_KEYWORD_LENGTH) return encoded;
  return `%sha256:${createHash('sha256').update(caller).digest('hex')}`;
}

/** A time of the visibility store, which counts microseconds, in the form of its queries. */
export function queryTime(microseconds: number): string {
  const seconds = Math.floor(microseconds / 1_000_000);
  const fraction = String(microseconds - seconds * 1_000_000).padStart(6, '0');
  return `'${new Date(seconds * 1_000).toISOString().slice(0, -5)}.${fraction}Z'`;
}

/** Times that no job can have started at; further ones do not fit every store. */
const EARLIEST = 0;
const LATEST = Date.UTC(2200, 0);

/** A time of a filter, in milliseconds since the epoch. */
function filterTime(at: number): string {
  return queryTime(Math.min(Math.max(at, EARLIEST), LATEST) * 1_000);
}

/** A job's state by its workflow's: one that was ended by force did not live to say so itself. */
function stateClause(state: JobState): string {
  if (state === 'Terminated') {
    const running = JOB_STATES.filter((other) => !isEndState(other)).map((other) => `'${other}'`);
    const isLost = `(ExecutionStatus != 'Running' AND CopyState IN (${running.join(', ')}))`;
    return `(ExecutionStatus IN ${ENDED_BY_FORCE} OR CopyState = 'Terminated' OR ${isLost})`;
  }
  if (!isEndState(state)) return `(CopyState = '${state}' AND ExecutionStatus = 'Running')`;
  return `(CopyState = '${state}' AND ExecutionStatus NOT IN ${ENDED_BY_FORCE})`;
}

/** The query for jobs that match a filter (docs.temporal.io/list-filter); a job is the last of its chain of runs. */
export function jobsQuery({ requestor, state, startTime, endTime }: JobFilter): string {
  return [
    `WorkflowType = '${COPY_WORKFLOW}'`,
    "ExecutionStatus != 'ContinuedAsNew'",
    ...(requestor === undefined ? [] : [`CopyRequestor = '${requestorKeyword(requestor)}'`]),
    ...(state === undefined ? [] : [stateClause(state)]),
    ...(startTime === undefined ? [] : [`StartTime >= ${filterTime(startTime)}`]),
    ...(endTime === undefined ? [] : [`StartTime < ${filterTime(endTime)}`]),
  ].join(' AND ');
}
