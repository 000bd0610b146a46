import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { mock } from 'node:test';
import { Context } from '@temporalio/activity';
import { ActivityCancellationDetails } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { Lease } from '../../../activities/locks/lease.ts';
import { LeaseGroups } from '../../../activities/locks/lease-groups.ts';

const RUN = { workflowId: 'job', runId: 'one' };

interface Attempt {
  lease: Lease;
  environment: MockActivityEnvironment;
  /** Heartbeats that were sent. */
  readonly beats: number;
  /** Calls a function as the activity would. */
  asActivity<T>(call: () => T): T;
  end(): Promise<void>;
}

describe('leases of one job', () => {
  const realNow = performance.now.bind(performance);
  let now: number;
  let groups: LeaseGroups;
  let attempts: Attempt[];

  beforeEach(() => {
    now = 0;
    groups = new LeaseGroups();
    attempts = [];
    performance.now = () => now;
    mock.timers.enable({ apis: ['setInterval'] });
  });

  afterEach(async () => {
    for (const attempt of attempts) await attempt.end();
    mock.timers.reset();
    performance.now = realNow;
  });

  async function begin({ round = 0, workflowExecution = RUN, isAlone = false } = {}): Promise<Attempt> {
    const environment = new MockActivityEnvironment({ heartbeatTimeoutMs: 10_000, workflowExecution });
    let beats = 0;
    environment.on('heartbeat', () => {
      beats += 1;
    });
    const end = Promise.withResolvers<undefined>();
    const begun = Promise.withResolvers<Pick<Attempt, 'lease' | 'asActivity'>>();
    const ended = environment.run(async () => {
      const context = Context.current();
      using lease = new Lease(context, groups.of(context, isAlone ? undefined : round));
      begun.resolve({ lease, asActivity: AsyncLocalStorage.snapshot() });
      await end.promise;
    });
    const attempt = {
      ...(await begun.promise),
      environment,
      get beats() {
        return beats;
      },
      async end() {
        end.resolve(undefined);
        await ended;
      },
    };
    attempts.push(attempt);
    return attempt;
  }

  async function beginMany(count: number): Promise<Attempt[]> {
    const many: Attempt[] = [];
    for (let index = 0; index < count; index++) many.push(await begin());
    return many;
  }

  /** Lets so many seconds go by as they do for a process that runs. */
  function pass(seconds: number): void {
    for (let step = 0; step < seconds * 20; step++) {
      now += 50;
      mock.timers.tick(50);
    }
  }

  it('send heartbeats as often as one does, and each the few that keep it alive', async () => {
    const [first, ...others] = await beginMany(20);
    pass(10);
    assert.equal(first?.beats, 50);
    for (const other of others) assert.equal(other.beats, 5);
  });

  it('send none where they last no longer than small files take', async () => {
    for (let count = 0; count < 20; count++) {
      const attempt = await begin();
      pass(0.1);
      assert.equal(attempt.beats, 0);
      await attempt.end();
    }
  });

  it('listen all the time, however their beginnings and ends are spread', async () => {
    const running: Attempt[] = [];
    let beats = 0;
    for (let step = 0; step < 160; step++) {
      if (step % 2 === 0) running.push(await begin());
      // Each lasts 1,590 ms or so, and another one ends every 100 ms.
      if (running.length > 16) {
        const over = running.shift();
        await over?.end();
        beats += over?.beats ?? 0;
      }
      pass(0.05);
    }
    beats += running.reduce((sum, one) => sum + one.beats, 0);
    assert.ok(beats >= 38 && beats <= 42, `${beats} heartbeats in 8 s`);
    running.find(({ lease }) => lease.canListen)?.environment.cancel();
    for (const { lease } of running) assert.equal(lease.isCancelled(), true);
  });

  it('hear together that the job asks to stop', async () => {
    const [first, second, third] = await beginMany(3);
    assert.ok(first && second && third);
    assert.equal(second.lease.isCancelled(), false);
    first.environment.cancel();
    for (const { lease } of [first, second, third]) {
      assert.equal(lease.isCancelled(), true);
      assert.ok(lease.signal.aborted);
      assert.throws(() => {
        lease.check();
      }, /cancelled/);
    }
  });

  it('hear it from whoever hears it first', async () => {
    const [first, , third] = await beginMany(3);
    third?.environment.cancel();
    assert.equal(first?.lease.isCancelled(), true);
  });

  it('hear nothing of what was begun in another round, by another job, or by itself', async () => {
    const attempt = await begin();
    const others = [
      await begin({ round: 1 }),
      await begin({ workflowExecution: { ...RUN, runId: 'two' } }),
      await begin({ isAlone: true }),
    ];
    attempt.environment.cancel();
    for (const { lease } of others) {
      assert.equal(lease.isCancelled(), false);
      assert.equal(lease.signal.aborted, false);
    }
    pass(1);
    for (const { beats } of others) assert.equal(beats, 5);
  });

  it('that begin later are stopped as long as one of the stopped is there, and no longer', async () => {
    const first = await begin();
    first.environment.cancel();
    const late = await begin();
    assert.equal(late.lease.isCancelled(), true);
    assert.ok(late.lease.signal.aborted);
    await first.end();
    await late.end();
    const afterwards = await begin();
    assert.equal(afterwards.lease.isCancelled(), false);
  });

  it('have the next one listen once the one that did has ended', async () => {
    const [first, second, third] = await beginMany(3);
    await first?.end();
    pass(2);
    assert.deepEqual([second?.beats, third?.beats], [10, 1]);
  });

  it('all ask at once where Temporal does not know one of them any more: their job may have been ended by force', async () => {
    const many = await beginMany(5);
    pass(1);
    const before = many.map(({ beats }) => beats);
    for (const { environment } of many.slice(0, 2)) {
      environment.cancel('NOT_FOUND', new ActivityCancellationDetails({ notFound: true }));
    }
    const asked = many.map(({ beats }, index) => beats - (before[index] ?? 0));
    assert.deepEqual(asked, [0, 1, 1, 1, 1]);
  });

  it('are taken for shorter until the first heartbeat: Temporal may have counted since before they began', async () => {
    const attempt = await begin();
    now += 5_100;
    assert.throws(() => attempt.asActivity(() => attempt.lease.isCancelled()), /heartbeat time-out/);
    const other = await begin({ round: 1 });
    pass(0.2);
    assert.equal(other.beats, 1);
    now += 9_700;
    assert.equal(other.lease.isCancelled(), false);
  });

  it('have the next one listen once Temporal has given up the one that did, which stops nobody else', async () => {
    const [first, second, third] = await beginMany(3);
    assert.ok(first && second && third);
    first.environment.cancel('NOT_FOUND', new ActivityCancellationDetails({ notFound: true }));
    assert.ok(first.lease.signal.aborted);
    assert.throws(() => first.asActivity(() => first.lease.isCancelled()), /another one/);
    assert.equal(second.lease.isCancelled(), false);
    pass(2);
    assert.deepEqual([second.beats, third.beats], [10, 1]);
  });

  it('are over for one whose last heartbeat is too old, however lately another one has sent its own', async () => {
    const [, second] = await beginMany(2);
    assert.ok(second);
    pass(1.9);
    assert.equal(second.beats, 0);
    // The process is stopped, and goes on.
    now += 8_100;
    assert.throws(() => second.asActivity(() => second.lease.isCancelled()), /heartbeat time-out/);
    pass(3);
    assert.equal(second.beats, 0);
  });
});
