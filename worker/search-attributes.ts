import { setTimeout as delay } from 'node:timers/promises';
import type { NativeConnection } from '@temporalio/worker';
import type { Logger } from '../config/logger.ts';
import { MissingAttributesError, searchAttributes } from '../config/namespace.ts';

/** How often search attributes that are missing are looked for, and said to be, in milliseconds. */
const LOOK_EVERY_MS = 60_000;

/** Temporal gets this long to answer, in milliseconds. */
const LOOK_MS = 2_000;

/**
 * Says now and then which search attributes are missing, and how they are made, until they are there or the signal is
 * aborted. Jobs are started from then on: the worker need not be restarted, so it does not end. Never rejects.
 */
export async function askForAttributes(
  connection: NativeConnection,
  namespace: string,
  { log, stop, everyMs = LOOK_EVERY_MS }: { log: Logger; stop: AbortSignal; everyMs?: number },
): Promise<void> {
  const attributes = searchAttributes(connection, namespace);
  while (!stop.aborted) {
    try {
      await connection.withDeadline(Date.now() + LOOK_MS, () => attributes.find());
      return;
    } catch (error) {
      if (error instanceof MissingAttributesError) log.error(`no job can be started: ${error.message}`);
    }
    await delay(everyMs, undefined, { signal: stop }).catch(() => undefined);
  }
}
