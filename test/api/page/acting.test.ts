import assert from 'node:assert/strict';
import type { JobStatus } from '../../../contract/messages.ts';
import type { JobAction } from '../../../api/jobs/job-service.ts';
import { FORBIDDEN_TEXT, ID, JOB, NOW } from '../support.ts';
import { needsChromium, servePage } from './support.ts';

const AFTER = { cancel: 'Cancelling', pause: 'Paused', resume: 'Processing' } as const;

/** A job that does as it is told. */
function obedientJob() {
  let now: JobStatus = JOB;
  return {
    status: () => Promise.resolve(now),
    control: (_id: string, _viewer: unknown, action: JobAction) => {
      now = { ...now, state: AFTER[action] };
      return Promise.resolve(now);
    },
  };
}

describe('acting on the operator page', function () {
  needsChromium();

  it('pauses, resumes and, once that is confirmed, cancels a job, by keyboard alone', async () => {
    const { open, close, calls } = await servePage({ jobs: obedientJob() });
    const page = await open(`#/jobs/${ID}`);
    const press = async (name: string) => {
      await page.getByRole('button', { name }).focus();
      await page.keyboard.press('Enter');
    };
    await press('Pause');
    await page.getByText('the job keeps its locks').waitFor();
    await press('Resume');
    await page.getByText('Files are being copied.').waitFor();
    await press('Cancel job…');
    await page.getByRole('dialog', { name: 'Cancel this job?' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
    await press('Cancel job…');
    await page.getByRole('button', { name: 'Cancel the job' }).focus();
    await page.keyboard.press('Enter');
    await page.getByText('No further file is started; what was sent').waitFor();
    const actions = calls.flatMap((call) => (call[0] === 'control' ? [call[3]] : []));
    assert.deepEqual(actions, ['pause', 'resume', 'cancel']);
    await close();
  });

  it('retries what failed, and goes to the new job', async () => {
    const counts = { ...JOB.counts, completed: 1, failed: 1, pending: 0 };
    const ended: JobStatus = { ...JOB, state: 'CompletedWithErrors', counts, endedAt: NOW + 900 };
    const { open, close, calls } = await servePage({ jobs: { status: () => Promise.resolve(ended) } });
    const page = await open(`#/jobs/${ID}`);
    await page.getByRole('button', { name: 'Retry what failed' }).click();
    await page.waitForURL((url) => /^#\/jobs\//.test(url.hash) && !url.hash.endsWith(ID));
    const retry = calls.find(([method]) => method === 'retry');
    assert.equal((retry?.[1] as { of: string }).of, ID);
    await close();
  });

  it('starts a copy of files with a dry run, and then for real', async () => {
    const ended: JobStatus = { ...JOB, state: 'Completed', endedAt: NOW, counts: { ...JOB.counts, pending: 0 } };
    const { open, close, calls } = await servePage({ jobs: { status: () => Promise.resolve(ended) } });
    const page = await open('#/new');
    await page.getByLabel('From collection').selectOption('copies');
    await page.getByLabel('To collection').selectOption('copies');
    await page.getByLabel('File names, one on each line').fill('a.jpg\n b with spaces \n\nc/<d>.txt\n');
    await page.getByLabel('Where a file is there already').selectOption('Leave it, skip the file');
    await page.getByRole('button', { name: 'Start dry run' }).click();
    await page.getByText('This was a dry run: nothing was copied.').waitFor();
    await page.getByRole('button', { name: 'Copy these files now' }).click();
    await page.getByText('This was a dry run').waitFor({ state: 'hidden' });
    const requests = calls.flatMap((call) => (call[0] === 'copy' ? [call[1].request] : []));
    assert.equal(requests.length, 2);
    assert.deepEqual(
      requests.map(({ options }) => [options.dryRun, options.overwrite]),
      [
        [true, 'never'],
        [false, 'never'],
      ],
    );
    const [first, second] = requests.map((request) => ('entries' in request ? request.entries : []));
    assert.deepEqual(
      first?.map(({ fileName }) => fileName),
      ['a.jpg', ' b with spaces ', 'c/<d>.txt'],
    );
    assert.deepEqual(first, second);
    await close();
  });

  it('starts a copy of everything under a prefix', async () => {
    const { open, close, calls } = await servePage();
    const page = await open('#/new');
    await page.getByLabel('From collection').selectOption('copies');
    await page.getByLabel('To collection').selectOption('copies');
    await page.getByLabel('Everything under a prefix').check();
    await page.getByLabel('Prefix', { exact: true }).fill('2026/');
    await page.getByLabel('Dry run first').uncheck();
    await page.getByRole('button', { name: 'Start copying' }).click();
    await page.getByText('Files are being copied.').waitFor();
    const copy = calls.find(([method]) => method === 'copy')?.[1] as { request: { bulk: object } };
    assert.deepEqual(copy.request.bulk, {
      kind: 'collection',
      sourceCollectionId: 'copies',
      destinationCollectionId: 'copies',
      prefix: '2026/',
    });
    await close();
  });

  it('says what is wrong with a request: refused, mistaken or locked', async () => {
    const admissions = [
      { decision: 'forbidden', message: 'ACCESS_DENIED' },
      {
        decision: 'invalid',
        errors: [{ path: 'copyFileCollectionData[0].fileName', message: 'is copied onto itself' }],
      },
      { decision: 'locked', files: [{ collectionId: 'copies', fileName: '<b>.jpg' }] },
    ] as const;
    let next = 0;
    const copy = () => {
      const admission = admissions[next++];
      assert.ok(admission);
      return Promise.resolve({
        kind: 'decided' as const,
        requested: 1,
        admission: structuredClone(admission) as never,
      });
    };
    const { open, close } = await servePage({ jobs: { copy } });
    const page = await open('#/new');
    await page.getByLabel('From collection').selectOption('copies');
    await page.getByLabel('To collection').selectOption('copies');
    await page.getByLabel('File names').fill('a.jpg');
    for (const [alert, detail] of [
      [FORBIDDEN_TEXT, undefined],
      ['The request is not valid', 'File 1 is copied onto itself'],
      ['File already Locked', '<b>.jpg in copies is locked'],
    ] as const) {
      await page.getByRole('button', { name: 'Start dry run' }).click();
      await page.getByRole('alert').getByText(alert).waitFor();
      if (detail !== undefined) await page.getByText(detail).waitFor();
    }
    await close();
  });
});
