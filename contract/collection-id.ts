import { MAX_COLLECTION_ID_LENGTH } from './limits.ts';

/** What is wrong with a collection's id, or undefined where nothing is. */
export function collectionIdProblem(id: string): string | undefined {
  if (id === '') return 'must not be empty';
  if (id.length > MAX_COLLECTION_ID_LENGTH) return `must be at most ${MAX_COLLECTION_ID_LENGTH} characters`;
  if (!id.isWellFormed()) return 'must not contain a lone surrogate: it has no UTF-8 form';
  if (/[\u0000-\u001f\u007f-\u009f/]/.test(id)) return 'must not contain "/" or control characters';
  return undefined;
}
