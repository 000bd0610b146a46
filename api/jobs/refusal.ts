import { isGrpcServiceError, NamespaceNotFoundError, ServiceError } from '@temporalio/client';
import { isStorageError } from '../../storage/errors.ts';

/**
 * gRPC status codes by which Temporal says no, and not that it cannot: INVALID_ARGUMENT, NOT_FOUND, PERMISSION_DENIED,
 * FAILED_PRECONDITION, UNIMPLEMENTED, UNAUTHENTICATED (grpc.io/docs/guides/status-codes).
 */
const REFUSALS: ReadonlySet<number> = new Set([3, 5, 7, 9, 12, 16]);

/** Whether this is an answer of Temporal or storage, which refuses what was asked; else it is the want of one. */
export function isRefusal(error: unknown): boolean {
  if (isStorageError(error)) return error.status !== undefined && !error.isTransient;
  if (error instanceof NamespaceNotFoundError) return true;
  const answer = error instanceof ServiceError ? error.cause : error;
  return isGrpcServiceError(answer) && REFUSALS.has(answer.code);
}
