import assert from 'node:assert/strict';
import type { JobStatus } from '../../../contract/messages.ts';
import type { JobAction } from '../../../api/jobs/job-service.ts';
import { file, FORBIDDEN_TEXT, ID, JOB, NOW, page as pageOf } from '../support.ts';
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

/** A dry run that has ended, and said so of its files. */
function foretold(verdicts: string[]) {
  const files = verdicts.map((verdict, index) =>
    file(index, { state: 'Skipped', message: `DRY_RUN: ${verdict}`, size: null }),
  );
  const counts = { ...JOB.counts, requested: files.length, completed: 0, skipped: files.length, pending: 0, bytes: 0 };
  const ended: JobStatus = { ...JOB, state: 'Completed', endedAt: NOW, counts };
  return {
    status: () => Promise.resolve(ended),
    page: () => Promise.resolve(pageOf(files, { job: ended })),
    list: () => Promise.resolve({ jobs: [ended], totalCount: 1, next: null }),
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
    const { open, close, calls } = await servePage({ jobs: foretold(['would be copied, 7 bytes']) });
    const page = await open('#/new');
    await page.getByLabel('From collection').selectOption('copies');
    await page.getByLabel('To collection').selectOption('copies');
    await page.getByLabel('File names, one on each line').fill('a.jpg\n b with spaces \n\nc/<d>.txt\n');
    await page.getByLabel('Where a file is there already').selectOption('Leave it, skip the file');
    await page.getByRole('button', { name: 'Start dry run' }).click();
    await page.getByText('This was a dry run: nothing was copied. No problem found: 1 would be copied.').waitFor();
    await page.reload();
    const dryRun = new URL(page.url()).hash;
    await page.getByRole('button', { name: 'Copy these files now' }).click();
    await page.waitForURL((url) => url.hash !== dryRun);
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

  it('tells what a dry run found on every view of it, and copies its files from there', async () => {
    const verdicts = [
      'would be copied, 7 bytes',
      'would fail: SOURCE_NOT_FOUND',
      'would be skipped: DESTINATION_EXISTS',
    ];
    const { open, close, calls } = await servePage({ jobs: foretold(verdicts) });
    const page = await open();
    await page.getByRole('link', { name: `Job ${ID}` }).click();
    const found = '1 problem found: 1 would be copied, 1 would be skipped, 1 would fail. Locks are not looked at.';
    await page.getByText(found).waitFor();
    await page.getByText('Nothing was copied: a dry run.').waitFor();
    const notice = page.locator('#job-dry-run').getByRole('listitem');
    assert.deepEqual(await notice.allInnerTexts(), ['file-1.jpg: SOURCE_NOT_FOUND']);
    const rows = page.getByRole('table').getByRole('row');
    assert.match(await rows.nth(1).innerText(), /file-1\.jpg[^]*Would fail: The source file does not exist\./);
    assert.equal(await page.locator('#job-counts').innerText(), '3 skipped of 3 files');
    await page.getByRole('button', { name: 'Copy these files now' }).click();
    await page.waitForURL((url) => !url.hash.endsWith(ID));
    const [request] = calls.flatMap((call) => (call[0] === 'copy' ? [call[1].request] : []));
    assert.ok(request !== undefined && 'entries' in request);
    // Nobody kept the request: what the dry run left alone is left alone.
    assert.deepEqual([request.options.dryRun, request.options.overwrite], [false, 'never']);
    assert.deepEqual(
      request.entries.map(({ fileName, destinationFileName }) => [fileName, destinationFileName]),
      [0, 1, 2].map((index) => [`file-${index}.jpg`, `copy-${index}.jpg`]),
    );
    await close();
  });

  it('says what a retry does: of what was cancelled, and without the lines that are not valid', async () => {
    const counts = { ...JOB.counts, requested: 3, completed: 1, failed: 1, cancelled: 1, pending: 0 };
    let ended: JobStatus = { ...JOB, state: 'Cancelled', counts, endedAt: NOW + 900 };
    const line = { fileName: '', destinationFileName: '', sourceCollectionId: '', destinationCollectionId: '' };
    const bad = file(0, { ...line, state: 'Failed', size: null, message: 'INVALID_REQUEST: line 2: is not JSON' });
    const jobs = { status: () => Promise.resolve(ended), page: () => Promise.resolve(pageOf([bad], { job: ended })) };
    const { open, close } = await servePage({ jobs });
    const page = await open(`#/jobs/${ID}`);
    await page.getByRole('button', { name: 'Retry what failed or was cancelled' }).waitFor();
    await page.getByText('A retry leaves out lines of a manifest that are not valid').waitFor();
    assert.doesNotMatch(await page.getByRole('table').innerText(), /→/);
    await page.getByText('A line of the manifest that names no file').waitFor();
    ended = { ...ended, counts: { ...counts, requested: 2, failed: 0 } };
    await page.reload();
    await page.getByRole('button', { name: 'Copy what was cancelled' }).waitFor();
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

  it('starts a copy of what a manifest lists, which says itself where files are copied to', async () => {
    const { open, close, calls } = await servePage();
    const page = await open('#/new');
    await page.getByLabel('What a manifest lists').check();
    assert.equal(await page.getByLabel('To collection').isVisible(), false);
    await page.getByLabel('Collection of the manifest').selectOption('copies');
    await page.getByLabel('Dry run first').uncheck();
    const start = page.getByRole('button', { name: 'Start copying' });
    await start.click();
    // Nothing is sent as long as the manifest is not named.
    assert.ok(await page.locator('#copy-manifest:invalid').isVisible());
    await page.getByLabel('File name of the manifest').fill('lists/monday.csv.gz');
    await start.click();
    await page.getByText('Files are being copied.').waitFor();
    const copies = calls.flatMap((call) => (call[0] === 'copy' ? [call[1].request] : []));
    assert.deepEqual(
      copies.map((request) => 'bulk' in request && request.bulk),
      [{ kind: 'manifest', collectionId: 'copies', fileName: 'lists/monday.csv.gz' }],
    );
    await close();
  });

  it('goes back from a manifest to the files and collections of a list', async () => {
    const { open, close, calls } = await servePage();
    const page = await open('#/new');
    await page.getByLabel('What a manifest lists').check();
    await page.getByLabel('Files by name').check();
    await page.getByLabel('From collection').selectOption('copies');
    await page.getByLabel('File names').fill('a.jpg');
    await page.getByRole('button', { name: 'Start dry run' }).click();
    // The browser asks for the other collection.
    assert.ok(await page.locator('#copy-destination:invalid').isVisible());
    assert.ok(!calls.some(([method]) => method === 'copy'));
    await close();
  });

  it('names the files that are wrong: as text, a long name by how it begins and ends', async () => {
    const { open, close } = await servePage();
    const page = await open('#/new');
    await page.getByLabel('From collection').selectOption('copies');
    await page.getByLabel('To collection').selectOption('copies');
    const names = ['fine.jpg', '<b>../</b>/../x\u202e', `${'é'.repeat(1_000)}/end.jpg`];
    await page.getByLabel('File names, one on each line').fill(names.join('\n'));
    await page.getByRole('button', { name: 'Start dry run' }).click();
    await page.locator('#copy-mistakes li').first().waitFor();
    const [segment = '', long = '', ...others] = await page.locator('#copy-mistakes li').allTextContents();
    assert.equal(segment, 'File 2 (<b>../</b>/../x\\u{202e}) must not have "." or ".." as a path segment');
    assert.match(long, /^File 3 \(é{30}…é{21}\/end\.jpg\) must /);
    assert.deepEqual(others, []);
    await close();
  });

  it('says what is wrong with a request: refused, mistaken or locked', async () => {
    const admissions = [
      { decision: 'forbidden', message: 'ACCESS_DENIED: no such collection' },
      {
        decision: 'invalid',
        errors: [
          {
            path: 'copyFileCollectionData[1].destinationFileName',
            message: 'is already the destination of copyFileCollectionData[0]',
          },
        ],
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
    const message = 'ACCESS_DENIED: the caller may not read collection secret, or it does not exist';
    const rejected = pageOf([], { job: { ...JOB, state: 'Rejected', endedAt: NOW, message } });
    const { open, close } = await servePage({ jobs: { copy, page: () => Promise.resolve(rejected) } });
    const page = await open('#/new');
    await page.getByLabel('From collection').selectOption('copies');
    await page.getByLabel('To collection').selectOption('copies');
    await page.getByLabel('File names').fill('a.jpg');
    for (const [alert, detail] of [
      [FORBIDDEN_TEXT, 'the caller may not read collection secret, or it does not exist'],
      ['The request is not valid', 'File 2 is already the destination of file 1'],
      ['File already Locked', '<b>.jpg in copies is locked'],
    ] as const) {
      await page.getByRole('button', { name: 'Start dry run' }).click();
      await page.getByRole('alert').getByText(alert).waitFor();
      await page.getByText(detail).waitFor();
      const rejected = page.getByRole('link', { name: 'The rejected job' });
      assert.equal(await rejected.count(), alert === FORBIDDEN_TEXT ? 1 : 0);
      if (alert === FORBIDDEN_TEXT)
        assert.match((await rejected.getAttribute('href')) ?? '', /^#\/jobs\/[0-9a-f-]{36}$/);
    }
    await close();
  });
});
