import { ConfigError } from './config.ts';
import type { Logger } from './logger.ts';

/** A start is held up no longer than this, in milliseconds, by what does not answer. */
export const FIRST_LOOK_MS = 2_000;

/**
 * Waits for looks, by dependency, at what the settings name. Throws ConfigError, of all that is wrong, where one is answered
 * that there is no such thing. That one fails otherwise is a line in the log: a process starts without what it depends on.
 */
export async function firstLook(looks: Readonly<Record<string, Promise<void>>>, log: Logger): Promise<void> {
  const problems: string[] = [];
  const waits = Object.entries(looks).map(async ([dependency, look]) => {
    try {
      await look;
    } catch (error) {
      if (error instanceof ConfigError) problems.push(error.message);
      else log.warn({ err: error, dependency }, 'not ready');
    }
  });
  await Promise.all(waits);
  if (problems.length > 0) throw new ConfigError(problems.join('; '));
}
