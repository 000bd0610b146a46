import assert from 'node:assert/strict';
import { isStorageError } from '../../storage/errors.ts';
import type { StorageModule } from '../../storage/index.ts';
import { makeTestStorage, type TestStorage } from '../support/emulator.ts';
import { answerError, resetBefore, type Fault, type Matcher } from '../support/storage-proxy/index.ts';
import { makeSubject, OPERATIONS, type StorageOperation } from './retries/operations.ts';
import {
  EXPECTED,
  EXPECTED_ONCE,
  FAULTS,
  LASTING,
  type Expectation,
  type FaultCase,
  type Row,
  type Times,
} from './retries/scenarios.ts';

/** The longest wait for an answer: where one is to be missed, and where it is to come whatever else the machine does. */
const MISSED_AFTER_MS = 2_500;
const TIMEOUT_MS = 30_000;

/** Scenarios that run side by side: most of their time is waiting. */
const AT_A_TIME = 64;

const TIMES: readonly Times[] = [1, 3, 'always'];

const IN_WORDS = { 1: 'once', 3: 'three times', always: 'always' };

/** What a scenario came to, as far as it is expected. */
interface Outcome extends Omit<Expectation, 'told'> {
  told: string;
}

describe('retries', () => {
  let storage: TestStorage;
  let scenarios = 0;

  before(async () => {
    storage = await makeTestStorage();
  });

  after(() => {
    storage.proxy.removeFaults();
  });

  /** Runs an operation on objects of its own while these faults strike one after the other. */
  async function run(operation: StorageOperation, faults: [fault: Fault, times: Times][], module: StorageModule) {
    scenarios += 1;
    const name = `scenario-${scenarios}`;
    const subject = await makeSubject(storage, name, operation);
    const matcher: Matcher = ({ operation: request, name: asked, query }) =>
      request === operation.request && (asked === name || query['prefix'] === name);
    const rules = faults.map(([fault, times]) =>
      storage.proxy.inject(matcher, fault, times === 'always' ? {} : { times }),
    );
    const { told, error } = await operation.run(module, subject).then(
      (result) => ({ told: result === undefined || result === false ? String(result) : 'succeeds', error: undefined }),
      (reason: unknown) => ({ told: isStorageError(reason) ? reason.kind : String(reason), error: reason }),
    );
    for (const rule of rules) rule.remove();
    const calls = storage.proxy.requests(matcher).length;
    const isThere = (await storage.emulator.statObject(subject.ref.bucket, name)) !== undefined;
    const done = operation.request === 'delete' ? Number(!isThere) : storage.proxy.writes(subject.ref.bucket, name);
    return { told, calls, done, error };
  }

  /** Runs so many at a time of what is given to it. */
  const inLine = createLine(AT_A_TIME);

  function connect(autoRetry: boolean) {
    const patient = storage.connect({ autoRetry, timeoutMs: TIMEOUT_MS });
    const impatient = storage.connect({ autoRetry, timeoutMs: MISSED_AFTER_MS });
    return ({ stalls = false }: FaultCase) => (stalls ? impatient : patient);
  }

  /** Has an operation run under each fault; gives what came of each and what was to. */
  function underEach(
    operation: StorageOperation,
    faults: readonly FaultCase[],
    times: Times,
    { autoRetry, row }: { autoRetry: boolean; row: Row },
  ): Promise<{ title: string; seen: Outcome; wanted: Outcome }[]> {
    const moduleFor = connect(autoRetry);
    return Promise.all(
      faults.map((fault) =>
        inLine(async () => {
          const { told, calls, done } = await run(operation, [[fault.make(), times]], moduleFor(fault));
          const expected = row[fault.moment];
          const wanted = { ...expected, told: inWords(operation, fault, expected), calls: expected.calls ?? calls };
          return { title: fault.title, seen: { told, calls, done }, wanted };
        }),
      ),
    );
  }

  function assertAll(outcomes: { title: string; seen: Outcome; wanted: Outcome }[]): void {
    const table = (column: 'seen' | 'wanted') => outcomes.map((outcome) => [outcome.title, outcome[column]]);
    assert.deepEqual(table('seen'), table('wanted'));
  }

  /** All scenarios of the table, begun at once: each test waits for its own. */
  const begun = new Map<string, ReturnType<typeof underEach>>();

  const mixed = new Map<StorageOperation, ReturnType<typeof underMixedFaults>>();

  async function underMixedFaults(operation: StorageOperation) {
    const module = storage.connect({ autoRetry: true, timeoutMs: TIMEOUT_MS });
    const patience = answerError(429, { headers: { 'retry-after': '1' } });
    const startedAt = performance.now();
    const outcome = await run(
      operation,
      [
        [patience, 1],
        [resetBefore(), 1],
        [answerError(503), 1],
      ],
      module,
    );
    return { ...outcome, tookMs: performance.now() - startedAt };
  }

  before(() => {
    for (const [index, operation] of OPERATIONS.entries()) {
      const { idempotency } = operation;
      mixed.set(
        operation,
        inLine(() => underMixedFaults(operation)),
      );
      for (const times of TIMES) {
        // What takes a second each is not tried at every number.
        const faults = FAULTS.filter(({ stalls = false }) => times !== 3 || !stalls);
        const expected = { autoRetry: true, row: EXPECTED[idempotency][times] };
        begun.set(`${index} ${times}`, underEach(operation, faults, times, expected));
      }
      const expected = { autoRetry: false, row: EXPECTED_ONCE[idempotency] };
      begun.set(`${index} never`, underEach(operation, FAULTS, 1, expected));
    }
  });

  for (const [index, operation] of OPERATIONS.entries()) {
    const { title, precondition, idempotency } = operation;
    const isRepeated = !['unguarded', 'single'].includes(idempotency);
    describe(`of ${title}, precondition: ${precondition} (${idempotency})`, () => {
      for (const times of TIMES) {
        it(`are those of the table under each fault that strikes ${IN_WORDS[times]}`, async () => {
          assertAll((await begun.get(`${index} ${times}`)) ?? []);
        });
      }

      it('are none where the module is told to repeat nothing', async () => {
        assertAll((await begun.get(`${index} never`)) ?? []);
      });

      it('are none of what stays as it is', async () => {
        const module = storage.connect({ autoRetry: true });
        const outcomes = LASTING.map(async ({ title: fault, fault: strike, kind, status }) => {
          const { told, calls, done, error } = await run(operation, [[strike, 'always']], module);
          assert.equal(isStorageError(error) && error.status, status);
          return { title: fault, seen: { told, calls, done }, wanted: { told: kind, calls: 1, done: 0 } };
        });
        assertAll(await Promise.all(outcomes));
      });

      it('count together, whichever faults follow each other, and wait for what Retry-After asks', async () => {
        const { told, calls, tookMs } = (await mixed.get(operation)) ?? {};
        assert.deepEqual([told, calls], isRepeated ? ['succeeds', 4] : ['rateLimited', 1]);
        if (isRepeated) assert.ok(tookMs !== undefined && tookMs >= 1_000);
      });
    });
  }
});

/** What is to be told, in the module's words. */
function inWords({ request }: StorageOperation, { kind }: FaultCase, { told }: Expectation): string {
  if (told !== 'precondition does not hold') return told === 'fails' ? kind : told;
  return request === 'delete' ? 'false' : 'preconditionFailed';
}

function createLine(atATime: number): <T>(work: () => Promise<T>) => Promise<T> {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (running >= atATime) await new Promise<void>((resolve) => waiting.push(resolve));
    running += 1;
    try {
      return await work();
    } finally {
      running -= 1;
      waiting.shift()?.();
    }
  };
}
