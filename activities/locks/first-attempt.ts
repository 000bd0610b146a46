import { Context } from '@temporalio/activity';
import type { Logger } from '../../config/logger.ts';
import { failure } from '../failures.ts';

/** What a local attempt gives up with for good, so that a task decides. */
export function anotherHasBegun(): Error {
  return failure('WORKER_LOST', 'another attempt has begun to decide this job', { retry: false });
}

/**
 * What one local attempt at an admission has made. Temporal does not know of local activities: a workflow task that
 * reaches a worker late, which was stopped, is worked on like any other, though another worker has decided the job by
 * that same task meanwhile; and no clock tells which of the two is behind. So a local attempt only begins. Where it finds
 * anything of its job that it has not made itself, it leaves that alone and gives up, and the workflow has a task decide,
 * of which Temporal hands out one attempt after the other, and none at all to a worker that is behind.
 */
export class FirstAttempt {
  readonly #made = new Set<string>();

  /** Of the activity that is running; undefined where it is a task. */
  static current(): FirstAttempt | undefined {
    return Context.current().info.isLocal ? new FirstAttempt() : undefined;
  }

  /** It has made this object, at this generation. */
  note(object: string, generation: string): void {
    this.#made.add(`${generation} ${object}`);
  }

  /** Throws a failure that is not tried again where it has not made this object at this generation. */
  expectOwn(object: string, generation: string): void {
    if (this.#made.has(`${generation} ${object}`)) return;
    throw anotherHasBegun();
  }
}

/** Gives locks back as an attempt fails, with whatever it fails with; that it could not is told in the log. */
export async function givingBack(
  { log, correlationId }: { log: Logger; correlationId: string },
  release: () => Promise<void>,
): Promise<void> {
  try {
    await release();
  } catch (error) {
    log.warn({ err: error, correlationId }, 'a failed attempt cannot give its locks back');
  }
}
