import assert from 'node:assert/strict';
import { PAUSE_SIGNAL, RESUME_SIGNAL } from '../../contract/ids.ts';
import type { JobStatus } from '../../contract/messages.ts';
import { emptyCounts } from '../../contract/states.ts';
import { completed, failed, gate, replaceActivities, untilCancelled, type Replaced } from './replaced-activities.ts';
import { eventually, fileNames, requestFor, withJobs, type Job, type Jobs } from './support.ts';
import { sharedTemporal } from '../support/temporal.ts';

async function stateOf(job: Job): Promise<string> {
  return (await job.status()).state;
}

function begun({ story }: Replaced, name: string): number {
  return story.filter((line) => line.startsWith(`begin ${name}`)).length;
}

/** A copyFile whose first attempts, one for each file, do as `interrupted` says once they are told to stop. */
function firstInterrupted(interrupted: (name: string) => ReturnType<typeof completed>) {
  const seen = new Set<string>();
  return replaceActivities({
    copyFile: async ({ source: { name } }) => {
      if (seen.has(name)) return completed();
      seen.add(name);
      await untilCancelled();
      return interrupted(name);
    },
  });
}

describe('pausing copyFiles', () => {
  it('stops the copies in flight, keeps the locks, and goes on from what is done', async () => {
    const replaced = firstInterrupted((name) => completed(name === 'late' ? {} : { state: 'Cancelled', size: null }));
    await withJobs(replaced, async (jobs) => {
      const { job } = await jobs.admit(requestFor('late', 'stopped'));
      await eventually(() => begun(replaced, 'copyFile') === 2);
      await job.handle.signal(PAUSE_SIGNAL);
      await eventually(async () => !Object.values(await job.states()).includes('Processing'));
      assert.equal(await stateOf(job), 'Paused');
      assert.deepEqual(await job.states(), { late: 'Completed', stopped: 'Requested' });
      assert.equal(begun(replaced, 'releaseLocks'), 0);

      await job.handle.signal(RESUME_SIGNAL);
      const { state, counts } = await job.result();
      assert.equal(state, 'Completed');
      assert.deepEqual(counts, { ...emptyCounts(2), completed: 2, pending: 0, bytes: 14 });
      assert.equal(begun(replaced, 'copyFile late'), 1, 'what is copied is not copied again');
      const rounds = replaced.tasksOf('copyFile').map(({ round }) => round);
      assert.deepEqual(rounds, [0, 0, 1], 'a pause that is over stops nobody who began since');
      const [, stopped] = (await job.files()).files;
      assert.deepEqual(
        stopped?.history.map(({ state: step }) => step),
        ['Requested', 'Processing', 'Requested', 'Processing', 'Completed'],
      );
    });
  });

  it('does not fail a file whose copy would have been tried again', async () => {
    const replaced = firstInterrupted(() => {
      throw failed('STORAGE_UNAVAILABLE', 'no answer');
    });
    await withJobs(replaced, async (jobs) => {
      const { job } = await jobs.admit(requestFor('a'));
      await eventually(() => begun(replaced, 'copyFile') === 1);
      await job.handle.signal(PAUSE_SIGNAL);
      // Resumed before the attempt has ended or after: it was told to stop either way.
      await job.handle.signal(RESUME_SIGNAL);
      assert.equal((await job.result()).state, 'Completed');
      assert.equal(begun(replaced, 'findCopy'), 1, 'where it may have been written after all');
    });
  });

  it('before the job is decided holds it once it is', async () => {
    const replaced = replaceActivities();
    const useJobs = async (jobs: Jobs) => {
      const job = await jobs.start(requestFor('a'));
      await job.handle.signal(PAUSE_SIGNAL);
      await jobs.worker.start();
      assert.deepEqual((await job.admitted()).admission, { decision: 'accepted' });
      assert.equal(await stateOf(job), 'Paused');
      assert.equal(begun(replaced, 'copyFile'), 0);
      await job.handle.signal(RESUME_SIGNAL);
      assert.equal((await job.result()).state, 'Completed');
    };
    await withJobs(replaced, useJobs, { started: false });
  });

  it('does not keep a job from being cancelled', async () => {
    const replaced = firstInterrupted(() => completed({ state: 'Cancelled', size: null }));
    await withJobs(replaced, async (jobs) => {
      const { job } = await jobs.admit(requestFor('a'));
      await eventually(() => begun(replaced, 'copyFile') === 1);
      await job.handle.signal(PAUSE_SIGNAL);
      await eventually(async () => (await stateOf(job)) === 'Paused');
      await job.cancel();
      assert.equal((await job.result()).state, 'Cancelled');
      assert.equal(begun(replaced, 'copyFile'), 1);
      assert.equal(begun(replaced, 'releaseLocks'), 1);
    });
  });

  it('twice, or a resume that nothing is paused for, changes nothing', async () => {
    const { passed, open } = gate();
    const replaced = replaceActivities({ copyFile: () => passed.then(() => completed()) });
    await withJobs(replaced, async (jobs) => {
      const { job } = await jobs.admit(requestFor('a'));
      await job.handle.signal(RESUME_SIGNAL);
      assert.equal(await stateOf(job), 'Processing');
      await job.handle.signal(PAUSE_SIGNAL);
      await job.handle.signal(PAUSE_SIGNAL);
      assert.equal(await stateOf(job), 'Paused');
      await job.handle.signal(RESUME_SIGNAL);
      assert.equal(await stateOf(job), 'Processing');
      open();
      assert.equal((await job.result()).state, 'Completed');
    });
  });

  it('time and again makes it continue as a new run: locks, results and what is done are the same', async () => {
    const names = fileNames(100);
    let isHeld = true;
    let ended = 0;
    const replaced = replaceActivities({
      copyFile: async ({ source: { name } }) => {
        const isCopied = name === names[0] || !isHeld;
        if (!isCopied) await untilCancelled(undefined, 250);
        ended += 1;
        return isCopied ? completed() : completed({ state: 'Cancelled', size: null });
      },
    });
    await withJobs(replaced, async (jobs) => {
      const { job } = await jobs.admit(requestFor(...names));
      const { client } = await sharedTemporal();
      const current = client.workflow.getHandle(job.id);
      const runIdOf = async () => (await current.describe()).runId;
      const first = await runIdOf();
      while ((await runIdOf()) === first) {
        const before = begun(replaced, 'copyFile');
        await current.signal(PAUSE_SIGNAL);
        await current.signal(RESUME_SIGNAL);
        // A job whose history is long begins none again: those that it has begun by then end with the next pause.
        await eventually(async () => ended >= before || (await runIdOf()) !== first, 30_000);
      }
      isHeld = false;
      await current.signal(PAUSE_SIGNAL);
      await current.signal(RESUME_SIGNAL);
      const { state, counts } = (await current.result()) as JobStatus;
      assert.equal(state, 'Completed');
      assert.deepEqual(counts, { ...emptyCounts(100), completed: 100, pending: 0, bytes: 700 });
      assert.equal(begun(replaced, 'admitJob'), 1);
      assert.equal(begun(replaced, `copyFile ${names[0] ?? ''}`), 1, 'what is copied is not copied again');
      const [released, ...more] = replaced.tasksOf('releaseLocks');
      assert.deepEqual([released?.locks.length, more.length], [100, 0]);
      // A signal that arrives while it continues has Temporal call upon the last steps again: a batch takes the place of
      // the one that was stored under its number.
      const stored = new Map(replaced.tasksOf('saveResults').map(({ batch, files }) => [batch, files]));
      assert.deepEqual([...stored.keys()], [...Array(stored.size).keys()]);
      const files = [...stored.values()].flat().map(({ fileName }) => fileName);
      assert.deepEqual(files.toSorted(), names, 'each result once');
      const owners = new Set([replaced.tasksOf('admitJob')[0]?.owner.firstRunId, released?.owner.firstRunId]);
      assert.deepEqual(owners, new Set([first]));
    });
  }).timeout(120_000);
});
