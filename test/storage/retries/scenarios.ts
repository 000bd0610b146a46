import type { StorageErrorKind } from '../../../storage/errors.ts';
import {
  answerError,
  breakAnswer,
  holdAfter,
  holdBefore,
  resetAfter,
  resetBefore,
  stallAnswer,
  type Fault,
} from '../../support/storage-proxy/index.ts';
import type { Idempotency } from './operations.ts';

/** When a fault strikes: storage has not done what it was asked; it has, without an answer; or amid the answer. */
export type Moment = 'before' | 'after' | 'amid';

export interface FaultCase {
  title: string;
  make: () => Fault;
  moment: Moment;
  /** What the last attempt ends in. */
  kind: StorageErrorKind;
  /** Whether only a time-out ends it. */
  stalls?: boolean;
}

const answered = (status: number, kind: StorageErrorKind = 'unavailable'): FaultCase => ({
  ...{ title: String(status), make: () => answerError(status), moment: 'before', kind },
});

/** Every fault of the proxy that passes. */
export const FAULTS: readonly FaultCase[] = [
  ...[answered(408), answered(429, 'rateLimited'), answered(500), answered(502), answered(503), answered(504)],
  { title: 'reset before the request', make: resetBefore, moment: 'before', kind: 'unavailable' },
  { title: 'no answer, nothing done', make: holdBefore, moment: 'before', kind: 'unavailable', stalls: true },
  { title: 'reset after the request', make: resetAfter, moment: 'after', kind: 'unavailable' },
  { title: 'no answer, all done', make: holdAfter, moment: 'after', kind: 'unavailable', stalls: true },
  { title: 'reset amid the answer', make: breakAnswer, moment: 'amid', kind: 'unavailable' },
  { title: 'stall amid the answer', make: stallAnswer, moment: 'amid', kind: 'unavailable', stalls: true },
];

/** How often a fault strikes in a row: fewer times than there are attempts, or always. */
export type Times = 1 | 3 | 'always';

/**
 * What is expected: requests sent (undefined: as many as it takes), what the caller is told (`fails`: with the fault's
 * own kind), and how often storage did it.
 */
export interface Expectation {
  calls: number | undefined;
  told: 'succeeds' | 'fails' | 'precondition does not hold';
  done: number;
}

/** What is expected of a fault by when it strikes. */
export type Row = Readonly<Record<Moment, Expectation>>;

const expect = (calls: number | undefined, told: Expectation['told'], done: number): Expectation => ({
  calls,
  told,
  done,
});
const all = (expectation: Expectation): Row => ({ before: expectation, after: expectation, amid: expectation });
/** Without a second attempt: what was done is done, and the caller is not told. */
const ONE_ATTEMPT: Row = { before: expect(1, 'fails', 0), after: expect(1, 'fails', 1), amid: expect(1, 'fails', 1) };
const ONE_READ = all(expect(1, 'fails', 0));

/** With up to three repetitions. Reading counts as doing nothing. */
export const EXPECTED: Readonly<Record<Idempotency, Readonly<Record<Times, Row>>>> = {
  always: {
    1: all(expect(2, 'succeeds', 0)),
    3: all(expect(4, 'succeeds', 0)),
    always: all(expect(4, 'fails', 0)),
  },
  resumed: {
    1: all(expect(2, 'succeeds', 0)),
    3: all(expect(4, 'succeeds', 0)),
    // As long as each answer brings some of it, it goes on.
    always: { ...all(expect(4, 'fails', 0)), amid: expect(undefined, 'fails', 0) },
  },
  guarded: {
    1: {
      before: expect(2, 'succeeds', 1),
      // Its own success, whose answer was lost: whoever asked has to look.
      after: expect(2, 'precondition does not hold', 1),
      amid: expect(2, 'precondition does not hold', 1),
    },
    3: {
      before: expect(4, 'succeeds', 1),
      after: expect(4, 'precondition does not hold', 1),
      amid: expect(4, 'precondition does not hold', 1),
    },
    always: { before: expect(4, 'fails', 0), after: expect(4, 'fails', 1), amid: expect(4, 'fails', 1) },
  },
  unguarded: { 1: ONE_ATTEMPT, 3: ONE_ATTEMPT, always: ONE_ATTEMPT },
  single: { 1: ONE_ATTEMPT, 3: ONE_ATTEMPT, always: ONE_ATTEMPT },
};

/** Where the module is told to repeat nothing. */
export const EXPECTED_ONCE: Readonly<Record<Idempotency, Row>> = {
  always: ONE_READ,
  resumed: { ...ONE_READ, amid: expect(2, 'succeeds', 0) },
  guarded: ONE_ATTEMPT,
  unguarded: ONE_ATTEMPT,
  single: ONE_ATTEMPT,
};

/** What stays as it is, however often it is asked: one request, whatever is asked. */
export const LASTING: readonly { title: string; fault: Fault; kind: StorageErrorKind; status: number }[] = [
  { title: '400', fault: answerError(400, { reason: 'invalid' }), kind: 'refused', status: 400 },
  {
    title: '400 of a bucket that bills its requester',
    fault: answerError(400, { reason: 'userProjectMissing' }),
    ...{ kind: 'requesterPays', status: 400 },
  },
  { title: '403', fault: answerError(403, { reason: 'forbidden' }), kind: 'forbidden', status: 403 },
  {
    title: '403 of a retention policy',
    fault: answerError(403, { reason: 'retentionPolicyNotMet' }),
    ...{ kind: 'retention', status: 403 },
  },
  { title: '409', fault: answerError(409, { reason: 'conflict' }), kind: 'refused', status: 409 },
  {
    title: '429 that asks for a longer wait than a request may take',
    fault: answerError(429, { headers: { 'retry-after': '60' } }),
    ...{ kind: 'rateLimited', status: 429 },
  },
  {
    title: '503 that asks for a longer wait than a request may take',
    fault: answerError(503, { headers: { 'retry-after': '60' } }),
    ...{ kind: 'unavailable', status: 503 },
  },
];
