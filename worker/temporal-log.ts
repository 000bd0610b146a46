import { DefaultLogger, type LogEntry, type LogLevel } from '@temporalio/worker';
import type { Logger } from '../config/logger.ts';
import { bulkTaskQueue, controlTaskQueue, correlationIdOf } from '../contract/ids.ts';

const LEVELS = { TRACE: 'trace', DEBUG: 'debug', INFO: 'info', WARN: 'warn', ERROR: 'error' } as const;

/** What the SDK warns of where a worker takes activities alone. */
const NO_WORKFLOWS = 'No workflows registered, not polling for workflow tasks';

/**
 * Temporal's own messages in the process's log, from its level up: what they say of workflow and activity is under
 * `temporal`, an error is `err`, and what concerns a job has its `correlationId`, as in every other line. That no workflows
 * run on the queues beside `taskQueue` is meant, and not told.
 */
export function temporalLogger(log: Logger, taskQueue: string): DefaultLogger {
  const withoutWorkflows = [controlTaskQueue(taskQueue), bulkTaskQueue(taskQueue)];
  return new DefaultLogger(lowestLevel(log), ({ level, message, meta }) => {
    if (message === NO_WORKFLOWS && withoutWorkflows.includes(String(meta?.['taskQueue']))) return;
    log[LEVELS[level]](fieldsOf(meta ?? {}), message);
  });
}

/** What the log leaves out is not even handed over: the SDK tells much of every task. */
function lowestLevel(log: Logger): LogLevel {
  const levels = Object.keys(LEVELS) as LogLevel[];
  return levels.find((level) => log.isLevelEnabled(LEVELS[level])) ?? 'ERROR';
}

function fieldsOf({ error, ...temporal }: NonNullable<LogEntry['meta']>): Record<string, unknown> {
  // The SDK's two layers write it in two ways.
  const workflowId: unknown = temporal['workflowId'] ?? temporal['workflow_id'];
  const correlationId = typeof workflowId === 'string' ? correlationIdOf(workflowId) : undefined;
  return {
    ...(correlationId !== undefined && { correlationId }),
    ...(error !== undefined && { err: error }),
    temporal,
  };
}
