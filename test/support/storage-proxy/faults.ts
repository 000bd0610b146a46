import { EventEmitter, once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { ConnectionReset, errorAnswer, type Answer, type ErrorOptions } from './answer.ts';
import type { StorageRequest } from './storage-request.ts';
import type { Leeway } from './strict-storage.ts';

/** What a fault may do: answer by itself, or carry the request on and do something with the answer. */
export type Fault = (request: StorageRequest, proceed: Proceed) => Promise<Answer>;

/** Carries the request on to storage. */
export type Proceed = (leeway?: Leeway) => Promise<Answer>;

/** Latency before the request is carried out. */
export function delay(ms: number): Fault {
  return async (_request, proceed) => {
    await sleep(ms);
    return await proceed();
  };
}

/** An error of storage; the request is not carried out. `headers` may hold a `retry-after`. */
export function answerError(status: number, options: ErrorOptions = {}): Fault {
  return () => Promise.resolve(errorAnswer(status, options));
}

/** Breaks the connection before the request is carried out. */
export function resetBefore(): Fault {
  return () => Promise.reject(new ConnectionReset('reset before the request'));
}

/** Carries the request out, then breaks the connection: the answer is lost. */
export function resetAfter(): Fault {
  return async (_request, proceed) => {
    await proceed();
    throw new ConnectionReset('reset after the write');
  };
}

/** Carries the request out, then breaks the connection in the middle of the answer's body. */
export function breakAnswer(): Fault {
  return stopHalfway('break');
}

/** Carries the request out, and sends half of the answer's body and nothing more, until the other side gives up. */
export function stallAnswer(): Fault {
  return stopHalfway('stall');
}

function stopHalfway(how: 'break' | 'stall'): Fault {
  return async (_request, proceed) => {
    const answer = await proceed();
    return { ...answer, stopAfter: { bytes: Math.floor(answer.body.length / 2), how } };
  };
}

/** Carries the request out and changes what its JSON answer says. */
export function alterJson(change: (content: Record<string, unknown>) => unknown): Fault {
  return async (_request, proceed) => {
    const answer = await proceed();
    const content = change(JSON.parse(answer.body.toString()) as Record<string, unknown>);
    return { ...answer, body: Buffer.from(JSON.stringify(content)) };
  };
}

/** Carries the request out and puts another body in place of the answer's. */
export function alterBody(change: (body: string) => string): Fault {
  return async (_request, proceed) => {
    const answer = await proceed();
    return { ...answer, body: Buffer.from(change(answer.body.toString())) };
  };
}

/** Rewrites take this many calls: all but the last are answered with a rewrite token. */
export function inCalls(calls: number): Fault {
  return (_request, proceed) => proceed({ callCount: () => calls });
}

/** Rewrites copy at most this many bytes a call. */
export function inPartsOf(bytes: number): Fault {
  return (_request, proceed) => proceed({ callCount: (size) => Math.ceil(size / bytes) });
}

/** Listings give at most this many objects a page. */
export function inPagesOf(pageSize: number): Fault {
  return (_request, proceed) => proceed({ pageSize });
}

/** Does something before the request is carried out: another writer's write, say. */
export function meanwhile(act: (request: StorageRequest) => Promise<unknown>): Fault {
  return async (request, proceed) => {
    await act(request);
    return await proceed();
  };
}

/** A fault that keeps a request until the test lets it go. */
export type Hold = Fault & {
  /** Settles when the first request has come to where it is held. */
  readonly reached: Promise<void>;
  /** Settles when so many requests have come there. */
  reachedBy(count: number): Promise<void>;
  /** Lets go what is held, and what comes later. */
  release(): void;
};

/** Holds requests before they are carried out. */
export function holdBefore(): Hold {
  return createHold(async (proceed, gate) => {
    await gate();
    return await proceed();
  });
}

/** Carries requests out, and holds their answers. */
export function holdAfter(): Hold {
  return createHold(async (proceed, gate) => {
    const answer = await proceed();
    await gate();
    return answer;
  });
}

function createHold(run: (proceed: Proceed, gate: () => Promise<void>) => Promise<Answer>): Hold {
  const released = Promise.withResolvers<undefined>();
  const arrivals = new EventEmitter();
  let count = 0;
  const gate = async () => {
    count += 1;
    arrivals.emit('arrival');
    await released.promise;
  };
  const reachedBy = async (wanted: number) => {
    while (count < wanted) await once(arrivals, 'arrival');
  };
  const fault: Fault = (_request, proceed) => run(proceed, gate);
  return Object.assign(fault, {
    reached: reachedBy(1),
    reachedBy,
    release: () => {
      released.resolve(undefined);
    },
  });
}
