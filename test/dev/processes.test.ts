import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createPortClaims } from '../../dev/port-claims.ts';
import { choosePorts } from '../../dev/ports.ts';
import { createProcesses, type Processes, type Running } from '../../dev/processes.ts';

const WITH_PATH = { PATH: process.env['PATH'] ?? '' };
const FIXTURE = fileURLToPath(import.meta.resolve('./launcher-fixture.ts'));

/** Ports are free exactly when both are chosen as they were asked for. */
async function bothFree(ports: Record<'child' | 'grandchild', number>): Promise<boolean> {
  const chosen = await choosePorts(ports);
  return chosen.child === ports.child && chosen.grandchild === ports.grandchild;
}

describe('child processes', () => {
  const claims = createPortClaims();
  let processes: Processes;

  beforeEach(() => {
    processes = createProcesses();
  });

  afterEach(async () => {
    processes.close();
    await claims.release();
  });

  const shell = (script: string): Promise<Running> => processes.start('/bin/sh', ['-c', script], { env: WITH_PATH });

  for (const signal of ['SIGKILL', 'SIGTERM', 'SIGINT'] as const) {
    it(`end with their own children when the launcher is ended by ${signal}`, async () => {
      const ports = await choosePorts({ child: 0, grandchild: 0 }, { anyFree: true, claim: claims.take });
      const launcher = spawn(process.execPath, [FIXTURE, String(ports.child), String(ports.grandchild)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      await once(launcher.stdout, 'data');
      assert.equal(await bothFree(ports), false);

      launcher.kill(signal);
      const deadline = performance.now() + 5_000;
      while (!(await bothFree(ports))) {
        assert.ok(performance.now() < deadline, 'a process is left behind');
        await delay(20);
      }
    });
  }

  it('tell how they ended', async () => {
    assert.deepEqual(await (await shell('exit 3')).exited, { code: 3, signal: null });
  });

  it('are killed when they do not heed a stop within the time they are given', async () => {
    const up = Promise.withResolvers<string>();
    const script = 'trap "" TERM; echo up; while :; do sleep 0.05; done';
    const stubborn = await processes.start('/bin/sh', ['-c', script], { env: WITH_PATH, onLine: up.resolve });
    await up.promise;
    assert.deepEqual(await stubborn.stop('SIGTERM', 100), { code: null, signal: 'SIGKILL' });
  });

  it('do not wait for a grandchild that keeps their output open', async () => {
    const parent = await shell('sleep 60 & exit 0');
    assert.deepEqual(await parent.exited, { code: 0, signal: null });
  });

  it('keep the end of their output, from both streams', async () => {
    const talkative = await shell('i=0; while [ $i -lt 500 ]; do echo line $i; i=$((i+1)); done; printf last >&2');
    await talkative.exited;
    const lines = talkative.tail().split('\n');
    assert.equal(lines.length, 20);
    assert.ok(lines.includes('line 499') && lines.includes('last'));
  });

  it('inherit nothing of the environment', async () => {
    const child = await processes.start(process.execPath, ['-p', 'JSON.stringify(process.env)'], {
      env: { ONLY: '1' },
    });
    await child.exited;
    const env = JSON.parse(child.tail()) as Record<string, string>;
    assert.equal(env['ONLY'], '1');
    assert.equal(env['PATH'], undefined);
  });

  it('fail to start where there is no such program', async () => {
    await assert.rejects(processes.start('/no/such/program', [], { env: {} }), { code: 'ENOENT' });
  });
});
