import assert from 'node:assert/strict';
import { defaultPayloadConverter } from '@temporalio/common';
import { COPY_REQUESTOR, COPY_STATE } from '../../contract/search-attributes.ts';
import { sharedTemporal } from '../support/temporal.ts';
import { bulkRequest, chunksOf, COLLECTION, copied, withBulkJobs } from './bulk-support.ts';
import { completed, failed, gate, othersHold, replaceActivities } from './replaced-activities.ts';
import { eventually, fileNames, requestFor, withJobs, type Job } from './support.ts';

async function searchAttributes(job: Job): Promise<{ state: unknown; requestor: unknown }> {
  const { typedSearchAttributes } = await job.handle.describe();
  return { state: typedSearchAttributes.get(COPY_STATE), requestor: typedSearchAttributes.get(COPY_REQUESTOR) };
}

/** What the Web UI shows as the workflow's current details. */
async function currentDetails(job: Job): Promise<string> {
  const { currentDetails } = await job.handle.query<{ currentDetails: string }>('__temporal_workflow_metadata');
  return currentDetails;
}

/** The summaries in a job's history, by what they summarise. */
async function summaries(job: Job): Promise<{ activity: string; summary: string }[]> {
  return (await job.events()).flatMap(
    ({ activityTaskScheduledEventAttributes, markerRecordedEventAttributes, userMetadata }) => {
      const activity =
        activityTaskScheduledEventAttributes?.activityType?.name ?? markerRecordedEventAttributes?.markerName;
      if (activity === undefined || activity === null) return [];
      const summary = userMetadata?.summary;
      return [{ activity, summary: summary ? defaultPayloadConverter.fromPayload<string>(summary) : '' }];
    },
  );
}

describe('what Temporal shows of a job', () => {
  it('are its requestor and its state, as search attributes', async () => {
    const { passed, open } = gate();
    const replaced = replaceActivities({ copyFile: () => passed.then(() => completed()) });
    await withJobs(replaced, async (jobs) => {
      const { job } = await jobs.admit(requestFor('a'));
      assert.deepEqual(await searchAttributes(job), { state: 'Processing', requestor: 'alice' });
      open();
      await job.result();
      assert.deepEqual(await searchAttributes(job), { state: 'Completed', requestor: 'alice' });
      const { client } = await sharedTemporal();
      await eventually(async () => {
        const query = `CopyState = "Completed" AND CopyRequestor = "alice" AND TaskQueue = "${jobs.worker.taskQueue}"`;
        const found = await Array.fromAsync(client.workflow.list({ query }));
        return found.some(({ workflowId }) => workflowId === job.id);
      });
    });
  });

  for (const [state, overrides] of [
    ['Rejected', { takeLocks: () => Promise.resolve(othersHold([{ collectionId: 'to', fileName: 'a' }])) }],
    ['Failed', { copyFile: () => Promise.reject(failed('SOURCE_NOT_FOUND', 'gone')) }],
    [
      'CompletedWithErrors',
      {
        copyFile: ({ source }: { source: { name: string } }) =>
          source.name === 'a' ? Promise.reject(failed('SOURCE_NOT_FOUND', 'gone')) : Promise.resolve(completed()),
      },
    ],
  ] as const) {
    it(`is ${state} at the end where it is`, async () => {
      await withJobs(replaceActivities(overrides), async (jobs) => {
        const job = await jobs.start(requestFor('a', 'b'));
        await job.result().catch(() => undefined);
        assert.equal((await searchAttributes(job)).state, state);
        assert.match(await currentDetails(job), new RegExp(`^\\*\\*${state}\\*\\*`));
      });
    });
  }

  it('are its progress as a table, in the current details', async () => {
    const doors = { a: gate(), b: gate() };
    const replaced = replaceActivities({
      copyFile: ({ source }) => doors[source.name as 'a' | 'b'].passed.then(() => completed()),
    });
    await withJobs(replaced, async (jobs) => {
      const { job } = await jobs.admit(requestFor('a', 'b'));
      doors.a.open();
      await eventually(async () => (await job.status()).counts.completed === 1);
      assert.equal(
        await currentDetails(job),
        [
          '**Processing**',
          '',
          '| files | |',
          '| --- | ---: |',
          '| requested | 2 |',
          '| completed | 1 |',
          '| skipped | 0 |',
          '| failed | 0 |',
          '| cancelled | 0 |',
          '| pending | 1 |',
          '| bytes | 7 |',
        ].join('\n'),
      );
      doors.b.open();
      await job.result();
      assert.match(await currentDetails(job), /^\*\*Completed\*\*\n\n.*\| completed \| 2 \|/s);
    });
  });

  it('says of a bulk job that files of chunks under way are not counted yet', async () => {
    const door = gate();
    const replaced = replaceActivities({
      ...chunksOf(1),
      copyChunk: () => door.passed.then(() => copied(10)),
    });
    await withBulkJobs(replaced, async (jobs) => {
      const { job } = await jobs.admit(bulkRequest(COLLECTION));
      await eventually(() => replaced.tasksOf('copyChunk').length === 1);
      assert.match(await currentDetails(job), /\| pending \| 10 \|[^]*not counted yet: see the heartbeat details/);
      door.open();
      await job.result();
      assert.doesNotMatch(await currentDetails(job), /not counted yet/);
    });
  });

  it('is why a job was refused, in the current details', async () => {
    const files = [{ collectionId: 'to', fileName: 'a' }];
    const replaced = replaceActivities({ takeLocks: () => Promise.resolve(othersHold(files)) });
    await withJobs(replaced, async (jobs) => {
      const { job } = await jobs.admit(requestFor('a'));
      await job.result();
      assert.match(await currentDetails(job), /^\*\*Rejected\*\*\n\nFILE_LOCKED: a in to is locked\n\n/);
    });
  });

  it('is of each activity what it is about, in one line', async () => {
    await withJobs(replaceActivities(), async (jobs) => {
      const input = requestFor('plain', 'old', 'x'.repeat(500));
      input.request.entries[1]!.destinationFileName = 'new';
      const { job } = await jobs.admit(input);
      await job.result();
      const all = await summaries(job);
      assert.deepEqual(
        all.filter(({ activity }) => activity === 'copyFile').map(({ summary }) => summary),
        ['plain → to', 'old → to/new', `${'x'.repeat(179)}…`],
      );
      assert.deepEqual(
        all.filter(({ summary }) => summary === ''),
        [],
        'none is without',
      );
    });
  });

  it('is of activities on locks how many files they are for', async () => {
    await withJobs(replaceActivities(), async (jobs) => {
      const { job } = await jobs.admit(requestFor(...fileNames(101)));
      await job.result();
      const all = await summaries(job);
      assert.deepEqual(
        all.filter(({ activity }) => activity === 'admitJob' || activity === 'releaseLocks'),
        [
          { activity: 'admitJob', summary: 'admit 101 files' },
          { activity: 'releaseLocks', summary: 'release 101 files' },
        ],
      );
    });
  });
});
