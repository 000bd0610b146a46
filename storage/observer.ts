import { isStorageError } from './errors.ts';

/** What a request asks of Cloud Storage. */
export type StorageOperation = 'stat' | 'read' | 'list' | 'write' | 'delete' | 'rewrite';

/** A request as observers are told of it. */
export interface ObservedRequest {
  operation: StorageOperation;
  /** From the root of the host, without its query. */
  path: string;
}

/**
 * What happened to a lock: `taken`, `refused` where somebody else holds it, `takenOver` from a job that runs no more,
 * `lost` where its owner found it broken or in other hands.
 */
export type LockEvent = 'taken' | 'refused' | 'takenOver' | 'lost';

/** Told of each request to Cloud Storage, repetitions included, and of locks. It must not throw. */
export interface StorageObserver {
  /**
   * A request is sent, or fails before that for want of credentials; what is given back, if anything, is called with what
   * it failed with, or nothing.
   */
  sent?(request: ObservedRequest): ((error?: unknown) => void) | undefined;
  /** A request failed in passing, and is to be sent again. */
  repeated?(operation: StorageOperation, error: unknown): void;
  locked?(event: LockEvent): void;
}

/** What is told to each of these; undefined where there are none. */
export function observedBy(observers: readonly (StorageObserver | undefined)[]): StorageObserver | undefined {
  const all = observers.filter((observer) => observer !== undefined);
  if (all.length < 2) return all[0];
  return {
    sent(request) {
      const ends = all.map((observer) => observer.sent?.(request));
      return (error) => {
        for (const end of ends) end?.(error);
      };
    },
    repeated(operation, error) {
      for (const observer of all) observer.repeated?.(operation, error);
    },
    locked(outcome) {
      for (const observer of all) observer.locked?.(outcome);
    },
  };
}

/** What a request that is no rewrite asks for, told by its method, path and query. */
export function operationOf(method: 'GET' | 'POST' | 'DELETE', path: string, isMedia: boolean): StorageOperation {
  if (method === 'DELETE') return 'delete';
  if (method === 'POST') return 'write';
  if (path.endsWith('/o')) return 'list';
  return isMedia ? 'read' : 'stat';
}

/** How a request ended, of few kinds: `2xx`, the HTTP status of a refusal, `none` where no answer came. */
export function statusOf(error: unknown): string {
  if (error === undefined) return '2xx';
  return isStorageError(error) && error.status !== undefined ? String(error.status) : 'none';
}
