import { isStorageError } from '../../storage/errors.ts';
import { ServiceUnavailableError } from './job-service.ts';

/**
 * What storage answers. Throws ServiceUnavailableError where it does not, or says no; what is no failure of storage is a
 * defect, which is thrown as it is.
 */
export async function fromStorage<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw unavailable(error);
  }
}

/** The same of what storage answers bit by bit. */
export async function* eachFromStorage<T>(answers: AsyncIterable<T>): AsyncGenerator<T> {
  try {
    yield* answers;
  } catch (error) {
    throw unavailable(error);
  }
}

function unavailable(error: unknown): unknown {
  return isStorageError(error) ? new ServiceUnavailableError('storage', error) : error;
}
