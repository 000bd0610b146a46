import { ConfigError } from './config.ts';
import type { Logger } from './logger.ts';

/** A look is given up after this, in milliseconds: a process that has just begun on a busy machine takes its time, too. */
export const LOOK_MS = 10_000;

/**
 * Waits for looks, by dependency, at what the settings name. Throws ConfigError as soon as one is answered that there is no
 * such thing. That one fails otherwise is a line in the log: a process starts without what it depends on.
 */
export async function firstLook(looks: Readonly<Record<string, Promise<void>>>, log: Logger): Promise<void> {
  const waits = Object.entries(looks).map(async ([dependency, look]) => {
    try {
      await look;
    } catch (error) {
      if (error instanceof ConfigError) throw error;
      log.warn({ err: error, dependency }, 'not ready');
    }
  });
  await Promise.all(waits);
}
