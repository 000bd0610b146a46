import assert from 'node:assert/strict';
import { StorageError, type StorageErrorKind } from '../../storage/errors.ts';
import type { ErrorCase } from './error-cases.ts';

/** Waits for a StorageError, and gives it. */
export async function storageError(promise: Promise<unknown>): Promise<StorageError> {
  const error = await promise.then(
    (value: unknown) => assert.fail(`no error, but ${JSON.stringify(value)}`),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof StorageError, `not a StorageError: ${String(error)}`);
  return error;
}

export async function failsAs(promise: Promise<unknown>, kind: StorageErrorKind): Promise<void> {
  assert.equal((await storageError(promise)).kind, kind);
}

export function assertError(error: StorageError, { kind, status, retryAfterMs }: Omit<ErrorCase, 'fault'>): void {
  assert.deepEqual({ kind: error.kind, status: error.status }, { kind, status });
  assert.equal(error.isTransient, kind === 'rateLimited' || kind === 'unavailable');
  if (retryAfterMs === undefined) {
    assert.equal(error.retryAfterMs, undefined);
    return;
  }
  const waits = error.retryAfterMs ?? Number.NaN;
  assert.ok(waits >= retryAfterMs.atLeast && waits <= retryAfterMs.atMost, `retryAfterMs is ${waits}`);
}
