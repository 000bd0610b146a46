import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { Context } from '@temporalio/activity';
import type { Admission } from '../../contract/messages.ts';
import { emptyCounts } from '../../contract/states.ts';
import { bulkRequest, chunksOf, COLLECTION } from './bulk-support.ts';
import {
  completed,
  failed,
  failedForGood,
  gate,
  inVainLocally,
  othersHold,
  replaceActivities,
  type Replaced,
} from './replaced-activities.ts';
import { requestFor, withJobs, type Job, type Jobs } from './support.ts';

/** Activities that refuse every job in this way. */
function refuse(admission: Exclude<Admission, { decision: 'accepted' }>): Replaced {
  return admission.decision === 'locked'
    ? replaceActivities({ takeLocks: () => Promise.resolve(othersHold(admission.files)) })
    : replaceActivities({ checkAccess: () => Promise.resolve({ granted: false, admission }) });
}

const FORBIDDEN: Admission = {
  decision: 'forbidden',
  message: 'ACCESS_DENIED: the caller may not read collection from',
};
const INVALID: Admission = {
  decision: 'invalid',
  errors: [
    { path: 'copyFileCollectionData[0].fileName', message: 'is too long' },
    { path: 'copyFileCollectionData[1].fileName', message: 'is too long as well' },
  ],
};
const LOCKED: Admission = {
  decision: 'locked',
  files: ['a', 'b', 'c', 'd', 'e'].map((fileName) => ({ collectionId: 'to', fileName })),
};

function names({ story }: Replaced): Set<string> {
  return new Set(story.map((line) => line.split(' ')[1] ?? ''));
}

/** What both the workflow's result and the query say once a job is refused. */
async function assertRejected(job: Job, message: string): Promise<void> {
  const result = await job.result();
  assert.equal(result.state, 'Rejected');
  assert.equal(result.message, message);
  assert.deepEqual(result.counts, { ...emptyCounts(2), pending: 0 });
  assert.ok(result.endedAt !== null);
  assert.deepEqual(await job.status(), result);
  const { files, next, totalCount } = await job.files();
  assert.deepEqual([files, next, totalCount], [[], null, 0]);
}

describe('admission', () => {
  it('is answered before any copy has ended, and says whose request it decided', async () => {
    const { passed, open } = gate();
    const replaced = replaceActivities({ copyFile: () => passed.then(() => completed()) });
    await withJobs(replaced, async (jobs) => {
      const input = requestFor('a', 'b');
      const { job, outcome } = await jobs.admit(input);
      assert.deepEqual(outcome, {
        caller: 'alice',
        digest: input.digest,
        requested: 2,
        admission: { decision: 'accepted' },
      });
      assert.ok(!replaced.story.some((line) => line.startsWith('end copyFile')));
      open();
      assert.equal((await job.result()).state, 'Completed');
    });
  });

  it('is told apart from the files: what they are copied with is what was admitted', async () => {
    const replaced = replaceActivities();
    await withJobs(replaced, async (jobs) => {
      const input = requestFor('a', 'b');
      input.request.entries[1]!.destinationFileName = 'elsewhere/b';
      input.request.options.overwrite = 'never';
      const { job } = await jobs.admit(input);
      await job.result();
      assert.deepEqual(
        replaced.tasksOf('copyFile').sort((one, other) => (one.source.name < other.source.name ? -1 : 1)),
        [
          {
            source: { bucket: 'bucket-from', name: 'a' },
            destination: { bucket: 'bucket-to', name: 'a' },
            lock: { generation: '1000', createdAt: 1_700_000_000_000 },
            overwrite: 'never',
            round: 0,
          },
          {
            source: { bucket: 'bucket-from', name: 'b' },
            destination: { bucket: 'bucket-to', name: 'elsewhere/b' },
            lock: { generation: '1001', createdAt: 1_700_000_000_000 },
            overwrite: 'never',
            round: 0,
          },
        ],
      );
      const { collections } = await job.files();
      assert.deepEqual(
        collections.map(({ collectionId }) => collectionId),
        ['from', 'to'],
      );
    });
  });

  it('of a caller without access refuses the job, and nothing is locked or copied', async () => {
    const replaced = refuse(FORBIDDEN);
    await withJobs(replaced, async (jobs) => {
      const { job, outcome } = await jobs.admit(requestFor('a', 'b'));
      assert.deepEqual(outcome.admission, FORBIDDEN);
      await assertRejected(job, 'ACCESS_DENIED: the caller may not read collection from');
      assert.deepEqual(names(replaced), new Set(['admitJob', 'checkAccess', 'claimJob', 'closeJob', 'closeRecord']));
      const [closed] = replaced.tasksOf('closeRecord');
      assert.deepEqual(closed?.admission, FORBIDDEN);
      assert.equal(closed.status.state, 'Rejected');
    });
  });

  it('of files that make no sense refuses the job with every mistake', async () => {
    const replaced = refuse(INVALID);
    await withJobs(replaced, async (jobs) => {
      const { job, outcome } = await jobs.admit(requestFor('a', 'b'));
      assert.deepEqual(outcome.admission, INVALID);
      await assertRejected(
        job,
        'INVALID_REQUEST: copyFileCollectionData[0].fileName is too long; copyFileCollectionData[1].fileName is too long as well',
      );
      assert.deepEqual(names(replaced), new Set(['admitJob', 'checkAccess', 'claimJob', 'closeJob', 'closeRecord']));
    });
  });

  it('of files that others hold refuses the job, naming all of them, and nothing is copied or released', async () => {
    const replaced = refuse(LOCKED);
    await withJobs(replaced, async (jobs) => {
      const { job, outcome } = await jobs.admit(requestFor('a', 'b'));
      assert.deepEqual(outcome.admission, LOCKED);
      await assertRejected(job, 'FILE_LOCKED: a in to is locked; b in to is locked; c in to is locked; and 2 more');
      for (const name of ['copyFile', 'releaseLocks', 'saveResults']) assert.ok(!names(replaced).has(name), name);
    });
  });

  it('answers with the old outcome, copies nothing and writes nothing, where another job has the correlation id', async () => {
    const outcome = {
      caller: 'bob',
      digest: 'e'.repeat(64),
      requested: 3,
      admission: { decision: 'accepted' as const },
    };
    const counts = { ...emptyCounts(3), completed: 2, failed: 1, pending: 0, bytes: 14 };
    const replaced = replaceActivities({
      claimJob: ({ owner: { correlationId } }) =>
        Promise.resolve({
          claimed: false,
          outcome,
          status: {
            correlationId,
            state: 'CompletedWithErrors',
            counts,
            startedAt: 1,
            endedAt: 2,
            message: 'as it was',
          },
        }),
    });
    await withJobs(replaced, async (jobs) => {
      const { job, outcome: answered } = await jobs.admit(requestFor('a', 'b'));
      assert.deepEqual(answered, outcome);
      const result = await job.result();
      assert.deepEqual(result, {
        correlationId: job.id,
        state: 'CompletedWithErrors',
        counts,
        startedAt: 1,
        endedAt: 2,
        message: 'as it was',
      });
      assert.deepEqual(await job.status(), result);
      assert.equal((await job.files()).totalCount, 0, 'it has no files of its own');
      assert.deepEqual(names(replaced), new Set(['admitJob', 'checkAccess', 'claimJob']));
    });
  });

  it('claims the correlation id in the name of the first run, and tells where the job runs', async () => {
    const replaced = replaceActivities();
    await withJobs(replaced, async (jobs) => {
      const input = requestFor('a');
      const { job } = await jobs.admit(input);
      await job.result();
      assert.deepEqual(replaced.tasksOf('admitJob'), [
        {
          owner: {
            kind: 'job',
            correlationId: job.id,
            firstRunId: (await job.handle.describe()).runId,
            namespace: 'default',
          },
          taskQueue: jobs.worker.taskQueue,
          input,
        },
      ]);
    });
  });

  it('is the same for everyone who asks again, while the job runs and after its end', async () => {
    const { passed, open } = gate();
    const replaced = replaceActivities({ copyFile: () => passed.then(() => completed()) });
    await withJobs(replaced, async (jobs) => {
      const { job, outcome } = await jobs.admit(requestFor('a'));
      const other = { ...requestFor('x', 'y'), digest: 'e'.repeat(64) };
      assert.deepEqual((await jobs.admit(other, { id: job.id })).outcome, outcome);
      assert.deepEqual(await job.admitted(), outcome);
      open();
      await job.result();
      assert.deepEqual((await jobs.admit(other, { id: job.id })).outcome, outcome);
      assert.equal(replaced.tasksOf('claimJob').length, 1);
    });
  });

  it('is one for two that ask at the same time', async () => {
    const replaced = replaceActivities();
    await withJobs(replaced, async (jobs) => {
      const id = randomUUID();
      const input = requestFor('a');
      const [one, other] = await Promise.all([jobs.admit(input, { id }), jobs.admit(input, { id })]);
      assert.deepEqual(one.outcome, other.outcome);
      await one.job.result();
      assert.equal(replaced.tasksOf('claimJob').length, 1);
      assert.equal(replaced.tasksOf('copyFile').length, 1);
    });
  });

  it('is made whether or not somebody waits for it', async () => {
    const replaced = replaceActivities();
    await withJobs(replaced, async (jobs) => {
      const job = await jobs.start(requestFor('a'));
      assert.equal((await job.result()).state, 'Completed');
      assert.equal(replaced.tasksOf('releaseLocks').length, 1);
    });
  });

  for (const [kind, input, name] of [
    ['a list', () => requestFor('a'), 'admitJob'],
    ['a prefix', () => bulkRequest(COLLECTION), 'admitBulk'],
  ] as const) {
    it(`of ${kind} is made by a task where another attempt has begun it locally`, async () => {
      const willing = replaceActivities().activities;
      const began: boolean[] = [];
      const decide = async (task: never): Promise<never> => {
        const { isLocal } = Context.current().info;
        began.push(isLocal);
        if (isLocal) throw failedForGood('WORKER_LOST', 'another attempt has begun to decide this job');
        return (await willing[name](task)) as never;
      };
      const useJobs = async (jobs: Jobs) => {
        const { job, outcome } = await jobs.admit(input());
        assert.deepEqual(outcome.admission, { decision: 'accepted' });
        assert.equal((await job.result()).state, 'Completed');
        assert.deepEqual(began, [true, false]);
      };
      await withJobs(replaceActivities({ ...chunksOf(1), [name]: decide }), useJobs, { bulk: true });
    });

    it(`of ${kind} that waits for its locks is tried again by tasks`, async () => {
      const willing = replaceActivities().activities;
      const began: boolean[] = [];
      const locked = { locked: false as const, files: [], holders: [] };
      const take = <Taken>(taken: Promise<Taken>): Promise<Taken | typeof locked> => {
        began.push(Context.current().info.isLocal);
        return began.length < 3 ? Promise.resolve(locked) : taken;
      };
      const replaced = replaceActivities({
        ...chunksOf(1),
        takeLocks: (task) => take(willing.takeLocks(task)),
        lockPrefixes: (task) => take(willing.lockPrefixes(task)),
      });
      const useJobs = async (jobs: Jobs) => {
        const request = input();
        request.request.options.onLocked = 'wait';
        const job = await jobs.start(request);
        assert.equal((await job.result()).state, 'Completed');
        assert.deepEqual(began, [true, false, false]);
      };
      await withJobs(replaced, useJobs, { bulk: true });
    });
  }

  it('is made by a task, which any worker may take, where the one that has the workflow cannot reach storage', async () => {
    const { activity: admitJob, began } = inVainLocally(replaceActivities().activities.admitJob);
    await withJobs(replaceActivities({ admitJob }), async (jobs) => {
      const job = await jobs.start(requestFor('a'));
      assert.equal((await job.result()).state, 'Completed');
      assert.deepEqual(began, [...Array.from({ length: 7 }, () => true), false]);
    });
  });

  it('is made by a task also where the last local attempt was given up for want of an answer', async () => {
    const willing = replaceActivities().activities;
    const began: boolean[] = [];
    const admitJob = async (task: Parameters<typeof willing.admitJob>[0]) => {
      const { info, cancelled } = Context.current();
      began.push(info.isLocal);
      if (!info.isLocal) return await willing.admitJob(task);
      // What hangs is given up after 20 s, and the attempts before take 6 s.
      if (began.length === 7) return await cancelled;
      throw failed('STORAGE_UNAVAILABLE', 'no answer');
    };
    const useJobs = async (jobs: Jobs) => {
      const job = await jobs.start(requestFor('a'));
      assert.equal((await job.result()).state, 'Completed');
      assert.deepEqual(began, [...Array.from({ length: 7 }, () => true), false]);
    };
    // As below: timers of its attempts are left behind.
    await withJobs(replaceActivities({ admitJob }), useJobs, { outlivesTest: true });
  });

  it('is not made by a storage that fails: it waits until storage answers', async () => {
    let attempts = 0;
    const willing = replaceActivities().activities;
    const replaced = replaceActivities({
      admitJob: async (task) => {
        if (++attempts < 3) throw failed('STORAGE_UNAVAILABLE', 'no answer');
        return await willing.admitJob(task);
      },
    });
    const useJobs = async (jobs: Jobs) => {
      const { job, outcome } = await jobs.admit(requestFor('a'));
      assert.deepEqual(outcome.admission, { decision: 'accepted' });
      await job.result();
      assert.equal(attempts, 3);
    };
    // The SDK's core leaves the timer of a local activity's failed attempt behind, and panics (in a task of its own,
    // on standard error) where the worker is gone by the time that fires (temporalio/sdk-rust, pull request 1465).
    await withJobs(replaced, useJobs, { outlivesTest: true });
  });
});
