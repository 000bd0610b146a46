import { NamespaceNotFoundError } from '@temporalio/client';
import { GRPC_STATUS, grpcStatusOf } from '../../config/grpc-status.ts';
import { isStorageError } from '../../storage/errors.ts';

const REFUSALS: readonly (number | undefined)[] = Object.values(GRPC_STATUS);

/** Whether this is an answer of Temporal or storage, which refuses what was asked; else it is the want of one. */
export function isRefusal(error: unknown): boolean {
  if (isStorageError(error)) return error.status !== undefined && !error.isTransient;
  return error instanceof NamespaceNotFoundError || REFUSALS.includes(grpcStatusOf(error));
}
