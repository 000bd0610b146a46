import { isGrpcServiceError, ServiceError } from '@temporalio/client';

/** gRPC status codes by which Temporal refuses what is asked of it (grpc.io/docs/guides/status-codes). */
export const GRPC_STATUS = {
  INVALID_ARGUMENT: 3,
  NOT_FOUND: 5,
  PERMISSION_DENIED: 7,
  FAILED_PRECONDITION: 9,
  UNIMPLEMENTED: 12,
  UNAUTHENTICATED: 16,
} as const;

/**
 * The status of an answer of Temporal's: of the error itself, as connections throw it, or of its cause, as the client does.
 * Undefined: it is no answer.
 */
export function grpcStatusOf(error: unknown): number | undefined {
  const cause = error instanceof ServiceError ? error.cause : undefined;
  return [error, cause].find((answer) => isGrpcServiceError(answer))?.code;
}
