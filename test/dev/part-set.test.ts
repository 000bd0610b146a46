import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { createPartSet, type PartSet } from '../../dev/part-set.ts';
import { PartError, type PartDefinition } from '../../dev/part.ts';

const UP = 'echo ready; exec sleep 60';

function part(name: string, script: string, more: Partial<PartDefinition> = {}): PartDefinition {
  return {
    name,
    command: '/bin/sh',
    args: ['-c', script],
    env: { PATH: process.env['PATH'] ?? '' },
    ready: { line: 'ready' },
    startTimeoutMs: 10_000,
    stopTimeoutMs: 5_000,
    ...more,
  };
}

describe('parts of the stack', () => {
  let death: PromiseWithResolvers<PartError>;
  let interrupt: AbortController;
  let parts: PartSet;

  beforeEach(() => {
    death = Promise.withResolvers();
    interrupt = new AbortController();
    parts = createPartSet({ signal: interrupt.signal, onDeath: death.resolve });
  });

  afterEach(() => parts.stop());

  it('that fail to start say which, how, and what they wrote last', async () => {
    const broken = parts.add('service', part('Broken part', 'echo SOME_SETTING is required; exit 78'));
    await assert.rejects(parts.start([broken]), (error: unknown) => {
      assert.ok(error instanceof PartError);
      assert.match(error.message, /^Broken part did not start \(exit code 78\)\. Its last output:\n {2}SOME_SETTING/);
      return true;
    });
  });

  it('whose program is missing say so', async () => {
    const missing = parts.add('backing', part('Missing part', '', { command: '/no/such/program' }));
    await assert.rejects(parts.start([missing]), /^PartError: Missing part cannot be started: .*ENOENT/);
  });

  it('that are not ready in time say so, and are ended', async () => {
    // It is first looked at once it has said something, however late that is.
    const probe = async () => {
      while (slow.tail() === '') await delay(5);
      return false;
    };
    const never = { ready: { probe }, startTimeoutMs: 200 };
    const slow = parts.add('backing', part('Slow part', 'echo busy; exec sleep 60', never));
    await assert.rejects(parts.start([slow]), /Slow part was not ready after 0\.2 s\. Its last output:\n {2}busy/);
    assert.equal(slow.pid, undefined);
  });

  it('give up at once when another one fails to start', async () => {
    const slow = parts.add('backing', part('Slow part', 'exec sleep 60', { startTimeoutMs: 60_000 }));
    const broken = parts.add('backing', part('Broken part', 'exit 1'));
    await assert.rejects(parts.start([slow, broken]), /Broken part did not start \(exit code 1\)/);
    assert.equal(slow.pid, undefined);
  });

  it('that end by themselves are reported', async () => {
    const script = `trap 'echo out of luck; exit 4' USR1; echo ready; while :; do sleep 0.05; done`;
    const mortal = parts.add('service', part('Mortal part', script));
    await parts.start([mortal]);
    assert.ok(mortal.pid !== undefined);
    process.kill(mortal.pid, 'SIGUSR1');
    const { message } = await death.promise;
    assert.match(message, /^Mortal part ended by itself \(exit code 4\)/);
    assert.match(message, /out of luck$/);
  });

  it('that are killed or stopped on purpose are not reported, and can be started again', async () => {
    const restarted = parts.add('service', part('Restarted part', UP));
    await restarted.start();
    const first = restarted.pid;
    await restarted.kill();
    assert.equal(restarted.pid, undefined);
    await restarted.start();
    assert.notEqual(restarted.pid, first);
    await restarted.stop();
    const nothing = Promise.resolve('nothing reported');
    assert.equal(await Promise.race([death.promise, nothing]), 'nothing reported');
  });

  it('end services first, then what they depend on, then the rest', async () => {
    const order: string[] = [];
    const say = (name: string) => part(name, `trap 'exit 0' TERM; echo ready; while :; do sleep 0.05; done`);
    const backing = parts.add('backing', say('backing'));
    const service = parts.add('service', say('service'));
    parts.finally(() => {
      order.push('cleaned up');
      return Promise.resolve();
    });
    await parts.start([backing, service]);
    const stopping = parts.stop();
    assert.equal(service.pid, undefined);
    assert.notEqual(backing.pid, undefined, 'the backing part still runs while the service ends');
    await stopping;
    assert.equal(backing.pid, undefined);
    assert.deepEqual(order, ['cleaned up']);
  });

  it('are given up when the signal is aborted while they start', async () => {
    const slow = parts.add('backing', part('Slow part', 'exec sleep 60'));
    const starting = parts.start([slow]);
    interrupt.abort(new Error('Ctrl-C'));
    await assert.rejects(starting, /Ctrl-C/);
    assert.equal(slow.pid, undefined);
  });
});
