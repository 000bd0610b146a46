import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { EXIT } from '../../cli/exit-codes.ts';
import type { JobOwner } from '../../contract/messages.ts';
import { emptyCounts, type JobState } from '../../contract/states.ts';
import type { LockTarget } from '../../storage/lock-targets.ts';
import type { LockOwner } from '../../storage/locks.ts';
import type { StorageModule } from '../../storage/index.ts';
import { makeTestStorage, type TestStorage } from '../support/emulator.ts';
import { sharedTemporal } from '../support/temporal.ts';
import { cli } from './support.ts';

describe('apollo locks break', function () {
  this.timeout(60_000);
  let test: TestStorage;
  let storage: StorageModule;

  before(async () => {
    test = await makeTestStorage();
    storage = test.connect({ directly: true });
  });

  const targetOf = (): LockTarget => ({ bucket: test.destinationBucket, name: `${randomUUID()}/a` });
  const textOf = (target: LockTarget) => `gs://${target.bucket}/${'name' in target ? target.name : target.prefix}`;

  async function held(target: LockTarget, owner: LockOwner): Promise<void> {
    assert.ok((await storage.locks.acquire(target, owner)).taken);
  }

  async function breakIt(text: string, args: string[] = [], env: Record<string, string> = {}) {
    const { address } = await sharedTemporal();
    const settings = { CONTROL_BUCKET: test.controlBucket, STORAGE_EMULATOR_HOST: test.proxy.url };
    return await cli(['locks', 'break', text, '--yes', ...args], {
      env: { ...settings, TEMPORAL_ADDRESS: address, ...env },
    });
  }

  /** A job with a record, of which Temporal knows nothing. */
  async function recorded(state: JobState): Promise<JobOwner> {
    const owner: JobOwner = {
      ...{ kind: 'job', correlationId: randomUUID(), firstRunId: randomUUID(), namespace: 'default' },
    };
    const { correlationId, firstRunId, namespace } = owner;
    await storage.records.create({
      ...{ correlationId, chain: { namespace, firstRunId }, caller: 'ann', digest: 'd', receivedAt: 1 },
      ...{ taskQueue: 'queue', options: { overwrite: 'always' }, collections: [], entries: null, bulk: null },
      admission: null,
      status: { correlationId, state, counts: emptyCounts(1), startedAt: 1, endedAt: null, message: '' },
    });
    return owner;
  }

  it('breaks a lock by hand, and one of a job that has ended', async () => {
    for (const owner of [{ kind: 'manual', who: 'zoë', why: 'audit' } as const, await recorded('Completed')]) {
      const target = targetOf();
      await held(target, owner);
      const { code, stderr } = await breakIt(textOf(target));
      assert.equal(code, EXIT.done, stderr);
      assert.equal(await storage.locks.read(target), undefined);
    }
  });

  it('leaves the lock of a job that runs, unless it is forced', async () => {
    const { client } = await sharedTemporal();
    const workflowId = randomUUID();
    const job = await client.workflow.start('copyFiles', { workflowId, taskQueue: 'nobody', args: [] });
    const target = targetOf();
    await held(target, {
      ...{ kind: 'job', correlationId: workflowId, firstRunId: job.firstExecutionRunId, namespace: 'default' },
    });
    const refused = await breakIt(textOf(target));
    assert.equal(refused.code, EXIT.refused);
    assert.match(refused.stderr, /the job runs: apollo cancel /);
    const forced = await breakIt(textOf(target), ['--force']);
    assert.equal(forced.code, EXIT.done, forced.stderr);
    await job.terminate();
  });

  it('leaves one whose job has not ended by its record, where it asks a Temporal that does not know it', async () => {
    const target = targetOf();
    await held(target, await recorded('Requested'));
    const { code, stderr } = await breakIt(textOf(target));
    assert.equal(code, EXIT.refused);
    assert.match(
      stderr,
      /its record says that it has not ended, and Temporal at \S+ does not know it: .*TEMPORAL_ADDRESS/,
    );
    assert.notEqual(await storage.locks.read(target), undefined);
  });

  it('leaves one where Temporal cannot be asked', async () => {
    const target = targetOf();
    await held(target, await recorded('Completed'));
    const { code, stderr } = await breakIt(textOf(target), [], { TEMPORAL_ADDRESS: '127.0.0.1:9' });
    assert.equal(code, EXIT.refused);
    assert.match(stderr, /Temporal at 127\.0\.0\.1:9 cannot be asked/);
  });

  it('says where there is none, and that what was meant may be a prefix', async () => {
    const prefix = `${randomUUID()}/`;
    const target = { bucket: test.destinationBucket, prefix };
    const none = await breakIt(textOf(target));
    assert.match(none.stderr, /there is no lock on gs:\S+\n$/);
    await held(target, { kind: 'manual', who: 'zoë', why: 'audit' });
    const hinted = await breakIt(textOf(target));
    assert.equal(hinted.code, EXIT.refused);
    assert.match(hinted.stderr, /there is one on that as a prefix: --prefix\n$/);
    assert.equal((await breakIt(textOf(target), ['--prefix'])).code, EXIT.done);
  });
});
