import { isStorageError } from '../../storage/errors.ts';
import { statusOf, type LockEvent, type StorageObserver, type StorageOperation } from '../../storage/observer.ts';
import type { Series, Tallies } from './tallies.ts';

const LOCK_EVENTS: Readonly<Record<LockEvent, string>> = {
  taken: 'taken',
  refused: 'refused',
  takenOver: 'taken_over',
  lost: 'lost',
};

/** Counts requests to storage by operation and status, their time, their repetitions, and what happens to locks. */
export function storageMetrics(tallies: Tallies): StorageObserver {
  const requests = tallies.counter(
    'apollo_storage_requests_total',
    'Requests to Cloud Storage, by operation and status: 2xx, the status of a refusal, or none without an answer.',
    ['operation', 'status'],
  );
  // Counters of the SDK are whole numbers: seconds would be too coarse.
  const time = tallies.counter(
    'apollo_storage_request_milliseconds_total',
    'Time that requests to Cloud Storage took, by operation.',
    ['operation'],
  );
  const repeats = tallies.counter(
    'apollo_storage_retries_total',
    'Requests to Cloud Storage that were sent again at once, by operation and by why the one before failed.',
    ['operation', 'reason'],
  );
  const locks = tallies.counter('apollo_locks_total', 'Locks, by what happened to them.', ['event']);
  for (const event of Object.values(LOCK_EVENTS)) locks.add(0, { event });
  /** What went well, which is nearly all, is counted without a look for its series. */
  const usual = new Map<StorageOperation, { requests: Series; time: Series }>();
  const usualOf = (operation: StorageOperation) => {
    let found = usual.get(operation);
    if (found === undefined) {
      found = {
        requests: requests.series({ operation, status: statusOf(undefined) }),
        time: time.series({ operation }),
      };
      usual.set(operation, found);
    }
    return found;
  };
  return {
    sent({ operation }) {
      const startedAt = performance.now();
      return (error) => {
        const series = usualOf(operation);
        series.time.add(performance.now() - startedAt);
        if (error === undefined) series.requests.add(1);
        else requests.add(1, { operation, status: statusOf(error) });
      };
    },
    repeated(operation, error) {
      repeats.add(1, { operation, reason: isStorageError(error) ? error.kind : 'other' });
    },
    locked(event) {
      locks.add(1, { event: LOCK_EVENTS[event] });
    },
  };
}
