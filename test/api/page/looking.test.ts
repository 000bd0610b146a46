import assert from 'node:assert/strict';
import { JobNotFoundError, ServiceUnavailableError, type JobService } from '../../../api/jobs/job-service.ts';
import { NOT_ALL_LISTED, whileListing } from '../../../contract/listing.ts';
import type { JobStatus } from '../../../contract/messages.ts';
import { file, ID, JOB, NOW, OTHER_ID, page as pageOf } from '../support.ts';
import { assertAccessible, needsChromium, servePage } from './support.ts';

const MILLION = 1_000_000;

/** A job of a million files, three of which failed. */
const HUGE: JobStatus = {
  ...JOB,
  state: 'CompletedWithErrors',
  counts: { ...JOB.counts, requested: MILLION, completed: MILLION - 3, failed: 3, pending: 0, bytes: 48e12 },
  endedAt: NOW + 250_000,
};

const failed = (index: number) =>
  file(index, { state: 'Failed', message: 'SOURCE_NOT_FOUND: gs://bucket-a/in/x does not exist', size: null });

/** Its files, a page at a time, as the service gives them. */
const hugePage: JobService['page'] = (_id, _viewer, { from, limit, state }) => {
  const indexes = Array.from({ length: limit }, (_, index) => from + index);
  if (state === 'Failed') {
    return Promise.resolve(pageOf([failed(7), failed(500_000), failed(999_999)], { job: HUGE }));
  }
  const files = indexes.map((index) => file(index));
  return Promise.resolve(pageOf(files, { job: HUGE, totalCount: MILLION, next: from + limit }));
};

const huge = { status: () => Promise.resolve(HUGE), page: hugePage };

describe('looking at jobs on the operator page', function () {
  needsChromium();

  it('lists them with state, progress and what failed, and leads to each', async () => {
    const jobs = [JOB, { ...HUGE, correlationId: OTHER_ID }];
    const list = () => Promise.resolve({ jobs, totalCount: 2, next: null });
    const { open, close } = await servePage({ jobs: { list, ...huge } });
    const page = await open();
    const rows = page.getByRole('list', { name: 'Jobs, newest first' }).getByRole('listitem');
    await rows.nth(1).waitFor();
    assert.match(await rows.nth(0).innerText(), /Processing[^]*1 of 2 files \(50%\)/);
    assert.match(
      await rows.nth(1).innerText(),
      /Completed with errors[^]*3 files failed[^]*999,997 copied, 3 failed of 1,000,000/,
    );
    assert.equal(await rows.nth(0).getByRole('progressbar').getAttribute('value'), '1');
    await page.getByRole('link', { name: `Job ${OTHER_ID}` }).click();
    await page.getByRole('heading', { name: `Job ${OTHER_ID}` }).waitFor();
    await close();
  });

  it('shows no progress of what was not copied: a rejected job with its reason, a cancelled one with its files', async () => {
    const counts = { requested: 60, completed: 0, skipped: 0, failed: 0, cancelled: 60, pending: 0, bytes: 0 };
    const message = 'ACCESS_DENIED: no access to collection x';
    const rejected: JobStatus = { ...JOB, state: 'Rejected', counts, endedAt: NOW, message };
    const cancelled: JobStatus = {
      ...rejected,
      ...{ state: 'Cancelled', correlationId: OTHER_ID, counts: { ...counts, completed: 5, cancelled: 55 } },
    };
    const list = () => Promise.resolve({ jobs: [rejected, cancelled], totalCount: 2, next: null });
    const { open, close } = await servePage({ jobs: { list, status: () => Promise.resolve(rejected) } });
    const page = await open();
    const rows = page.getByRole('list', { name: 'Jobs, newest first' }).getByRole('listitem');
    await rows.nth(1).waitFor();
    assert.match(await rows.nth(0).innerText(), /Rejected[^]*may not use a collection[^]*0 copied of 60 files/);
    assert.equal(await rows.nth(0).getByRole('progressbar').count(), 0);
    assert.match(await rows.nth(1).innerText(), /5 copied of 60 files/);
    assert.equal(await rows.nth(1).getByRole('progressbar').getAttribute('value'), '5');
    assert.ok(!(await page.locator('#jobs-list').innerText()).includes('%'));
    await page.getByRole('link', { name: `Job ${ID}` }).click();
    await page.locator('#job-counts', { hasText: '0 copied of 60 files' }).waitFor();
    assert.equal(await page.locator('#job-bar').isVisible(), false);
    await close();
  });

  it('says why files that are counted as done are not listed so yet', async () => {
    const running: JobStatus = { ...JOB, counts: { ...JOB.counts, requested: 20, completed: 9, pending: 11 } };
    const requested = [file(0, { state: 'Requested', size: null })];
    const page: JobService['page'] = (_id, _viewer, { state }) =>
      Promise.resolve(pageOf(state === 'Completed' ? [] : requested, { job: running }));
    const { open, close } = await servePage({ jobs: { status: () => Promise.resolve(running), page } });
    const tab = await open(`#/jobs/${ID}`);
    await tab.getByText('as each thousand of them is through').waitFor();
    await tab.getByRole('button', { name: 'Completed 9' }).click();
    await tab.getByText('No files listed yet.').waitFor();
    await close();
  });

  it('filters the list by state, and turns its pages', async () => {
    const list: JobService['list'] = ({ state }, { after }) =>
      Promise.resolve({
        jobs: after === undefined && state === undefined ? [JOB] : [{ ...HUGE, correlationId: OTHER_ID }],
        totalCount: 2,
        next: after === undefined ? { startedAt: NOW * 1_000, correlationId: ID } : null,
      });
    const { open, close, calls } = await servePage({ jobs: { list } });
    const page = await open();
    await page.getByRole('link', { name: `Job ${ID}` }).waitFor();
    await page.getByRole('button', { name: 'Older' }).click();
    await page.getByRole('link', { name: `Job ${OTHER_ID}` }).waitFor();
    await page.getByRole('button', { name: 'Newest' }).click();
    await page.getByRole('link', { name: `Job ${ID}` }).waitFor();
    await page.getByLabel('State', { exact: true }).selectOption('Completed with errors');
    await page.getByRole('link', { name: `Job ${OTHER_ID}` }).waitFor();
    assert.ok(calls.some(([method, filter]) => method === 'list' && filter.state === 'CompletedWithErrors'));
    await close();
  });

  it('opens a job of a million files by reading one page of them: the failures, with reasons in words', async () => {
    const { open, close, calls } = await servePage({ jobs: huge });
    const page = await open(`#/jobs/${ID}`);
    const rows = page.getByRole('table').getByRole('row');
    await rows.nth(3).waitFor();
    assert.match(await rows.nth(1).innerText(), /Failed[^]*file-7\.jpg[^]*The source file does not exist\./);
    const reads = calls.filter(([method]) => method === 'page');
    assert.equal(reads.length, 1);
    assert.deepEqual(reads[0]?.[3], { from: 0, limit: 100, state: 'Failed' });
    assert.equal(await page.getByRole('button', { name: 'Failed 3' }).getAttribute('aria-pressed'), 'true');
    await page.getByRole('button', { name: 'All 1,000,000' }).click();
    await page.getByText('Files 1 to 100 of 1,000,000').waitFor();
    await page.getByRole('button', { name: 'Next page' }).click();
    await page.getByText('Files 101 to 200 of 1,000,000').waitFor();
    assert.equal(await rows.count(), 101);
    await page.getByRole('button', { name: 'Previous page' }).click();
    await page.getByText('Files 1 to 100 of 1,000,000').waitFor();
    await close();
  });

  it('lists what is being copied and what waits for its turn each by itself', async () => {
    const states = ['Completed', 'Requested', 'Processing', 'Processing'] as const;
    const files = states.map((state, index) => file(index, { state }));
    const job: JobStatus = { ...JOB, counts: { ...JOB.counts, requested: 4, completed: 1, pending: 3 } };
    const page: JobService['page'] = (_id, _viewer, { state }) =>
      Promise.resolve(
        pageOf(
          files.filter((one) => state === undefined || one.state === state),
          { job },
        ),
      );
    const { open, close } = await servePage({ jobs: { status: () => Promise.resolve(job), page } });
    const tab = await open(`#/jobs/${ID}`);
    const filters = tab.getByRole('group', { name: 'Show files by state' }).getByRole('button');
    await tab.getByText('Files 1 to 4 of 4').waitFor();
    const names = (await filters.allInnerTexts()).map((name) => name.replace(/\s+/, ' '));
    assert.deepEqual(names, ['All 4', 'Being copied', 'Waiting', 'Completed 1']);
    await tab.getByRole('button', { name: 'Being copied' }).click();
    await tab.getByText('Files 1 to 2 of 2').waitFor();
    await tab.getByRole('button', { name: 'Waiting' }).click();
    await tab.getByText('Files 1 to 1 of 1').waitFor();
    await close();
  });

  it('searches names within the page that is there', async () => {
    const { open, close, calls } = await servePage({ jobs: huge });
    const page = await open(`#/jobs/${ID}`);
    await page.getByRole('button', { name: 'All 1,000,000' }).click();
    await page.getByText('Files 1 to 100 of 1,000,000').waitFor();
    const reads = calls.length;
    await page.getByLabel('Search names on this page').fill('FILE-42');
    await page.getByText('1 of the 100 files on this page').waitFor();
    assert.equal(await page.getByRole('table').getByRole('row').count(), 2);
    assert.equal(calls.length, reads);
    await close();
  });

  it('shows every name as text, whatever it is', async () => {
    const names = [
      '<img src=x onerror=alert(1)>',
      '<script>alert(1)</script>',
      '"><b>bold',
      '  two  spaces ',
      'שלום.txt',
    ];
    const files = names.map((fileName, index) =>
      file(index, {
        fileName,
        destinationFileName: fileName,
        message: 'CANCELLED: <i>because</i>',
        state: 'Cancelled',
      }),
    );
    const page = () => Promise.resolve(pageOf(files));
    const { open, close } = await servePage({ jobs: { page } });
    const tab = await open(`#/jobs/${ID}`);
    await tab.getByText('<script>alert(1)</script>').waitFor();
    for (const name of names) assert.equal(await tab.locator('.name', { hasText: name }).first().textContent(), name);
    assert.equal(await tab.locator('#files-body :is(img, script, b, i)').count(), 0);
    await close();
  });

  it('writes out what would make a name look like another', async () => {
    const name = 'report\u202etxt.exe';
    const message = `SOURCE_NOT_FOUND: gs://bucket-a/${name}\u200b does not exist`;
    const files = [file(0, { fileName: name, destinationFileName: `${name}\u0007`, message, state: 'Failed' })];
    const { open, close } = await servePage({ jobs: { page: () => Promise.resolve(pageOf(files)) } });
    const tab = await open(`#/jobs/${ID}`);
    const row = tab.locator('#files-body tr');
    await row.getByText('report\\u{202e}txt.exe', { exact: true }).waitFor();
    await row.getByText('as report\\u{202e}txt.exe\\u{7}').waitFor();
    await row.getByText('txt.exe\\u{200b} does not exist').waitFor();
    await tab.getByLabel('Search names on this page').fill(name);
    await tab.getByText('1 of the 1 file on this page').waitFor();
    await close();
  });

  it('offers to turn pages only where there is more than one', async () => {
    const list = () => Promise.resolve({ jobs: [], totalCount: 0, next: null });
    const { open, close } = await servePage({ jobs: { list } });
    const page = await open();
    await page.getByText('No jobs yet. Start a copy to see it here.').waitFor();
    assert.equal(await page.getByRole('button', { name: /Older|Newest/ }).count(), 0);
    await page.goto(page.url().replace(/#.*/, `#/jobs/${ID}`));
    await page.getByText(/^Files 1 to/).waitFor();
    assert.equal(await page.getByRole('button', { name: /page$/ }).count(), 0);
    await close();
  });

  it('follows a job to its end as it goes on, and says the end aloud', async () => {
    let now: JobStatus = JOB;
    const { open, close } = await servePage({ jobs: { status: () => Promise.resolve(now) } });
    const page = await open(`#/jobs/${ID}`);
    await page.locator('#job-counts', { hasText: '1 of 2 files (50%)' }).waitFor();
    now = { ...JOB, counts: { ...JOB.counts, completed: 2, pending: 0 }, state: 'Completed', endedAt: NOW + 2_000 };
    await page.locator('#job-counts', { hasText: '2 of 2 files (100%)' }).waitFor();
    await page.getByText('Every file is copied').waitFor();
    assert.equal(await page.locator('#announcer').textContent(), 'Job completed: 2 files copied.');
    assert.equal(await page.getByRole('button', { name: 'Pause' }).count(), 0);
    await close();
  });

  it('says how long jobs took, to the nearest second', async () => {
    const lengths = [
      [400, 'less than a second'],
      [999, 'less than a second'],
      [1_001, '1 s'],
      [2_170, '2 s'],
      [2_600, '3 s'],
      [21_001, '21 s'],
      [89_900, '90 s'],
      [91_000, '2 min'],
    ] as const;
    const counts = { ...JOB.counts, requested: 1, completed: 1, pending: 0 };
    const jobs = lengths.map(([ms], index): JobStatus => {
      return { ...JOB, correlationId: ID.slice(0, -1) + String(index), state: 'Completed', counts, endedAt: NOW + ms };
    });
    const list = () => Promise.resolve({ jobs, totalCount: jobs.length, next: null });
    const { open, close } = await servePage({ jobs: { list } });
    const page = await open();
    const rows = page.getByRole('list', { name: 'Jobs, newest first' }).getByRole('listitem');
    await rows.nth(lengths.length - 1).waitFor();
    const said = (await rows.allInnerTexts()).map((text) => /took (.+)/.exec(text)?.[1]);
    assert.deepEqual(
      said,
      lengths.map(([, words]) => words),
    );
    await close();
  });

  it('says of a job that found nothing that there was nothing to copy, and offers nothing to do about it', async () => {
    const counts = { ...JOB.counts, requested: 0, completed: 0, pending: 0 };
    const ended: JobStatus = { ...JOB, counts, state: 'Completed', endedAt: NOW + 2_000 };
    const jobs = { status: () => Promise.resolve(ended), page: () => Promise.resolve(pageOf([], { job: ended })) };
    const { open, close } = await servePage({ jobs });
    const page = await open(`#/jobs/${ID}`);
    await page.locator('#job-meaning', { hasText: 'There was nothing to copy.' }).waitFor();
    await page.getByText('no file has that prefix, or the list is empty').waitFor();
    assert.equal(await page.locator('#job button:visible', { hasText: /Copy|Retry/ }).count(), 0);
    await close();
  });

  it('tells of no share and no time left where there may be more files than are counted', async () => {
    const message = whileListing('STORAGE_UNAVAILABLE: no answer');
    let completed = 0;
    const status = () => {
      completed += 10;
      const counts = { ...JOB.counts, requested: 7_000, completed, pending: 7_000 - completed };
      return Promise.resolve({ ...JOB, message, counts });
    };
    const { open, close } = await servePage({ jobs: { status } });
    const page = await open(`#/jobs/${ID}`);
    assert.match(await page.locator('#job-counts', { hasText: 'of' }).innerText(), /^\d+ of at least 7,000 files$/);
    assert.equal(await page.locator('#job-bar').getAttribute('value'), '0');
    await page.getByText(NOT_ALL_LISTED).waitFor();
    assert.match(await page.locator('#job-speed', { hasText: 'files/s' }).innerText(), /^[\d.,]+ files\/s$/);
    await close();
  });

  it('says that the service does not answer, and goes on once it does', async () => {
    let isDown = true;
    const status = () =>
      isDown ? Promise.reject(new ServiceUnavailableError('temporal', new Error('down'))) : Promise.resolve(JOB);
    const { open, close } = await servePage({ jobs: { status } });
    const page = await open(`#/jobs/${ID}`);
    await page.getByRole('alert').getByText('not available at the moment').waitFor();
    isDown = false;
    await page.locator('#job-counts', { hasText: '1 of 2 files (50%)' }).waitFor();
    assert.equal(await page.getByRole('alert').count(), 0);
    await close();
  });

  it("links to the job in Temporal's Web UI", async () => {
    const { open, close } = await servePage({ temporalUiUrl: 'http://127.0.0.1:1/namespaces/default/workflows' });
    const page = await open(`#/jobs/${ID}`);
    const link = page.getByRole('link', { name: /Open in Temporal/ });
    assert.equal(await link.getAttribute('href'), `http://127.0.0.1:1/namespaces/default/workflows/${ID}`);
    await close();
  });

  it('links to no job that there is not', async () => {
    const status = () => Promise.reject(new JobNotFoundError(ID));
    const { open, close } = await servePage({ temporalUiUrl: 'http://127.0.0.1:1/x', jobs: { status } });
    const page = await open(`#/jobs/${ID}`);
    await page.getByRole('alert').getByText('No records found').waitFor();
    assert.equal(await page.getByRole('link', { name: /Open in Temporal/ }).count(), 0);
    await close();
  });

  for (const colorScheme of ['light', 'dark'] as const) {
    for (const width of [1280, 390, 320]) {
      it(`is accessible, and fits ${width} pixels, ${colorScheme}`, async () => {
        const { open, close } = await servePage({ jobs: huge, temporalUiUrl: 'http://127.0.0.1:1/x' });
        const page = await open('#/', { width, colorScheme });
        for (const [hash, text] of [
          ['#/', /1 of 2 files/],
          [`#/jobs/${ID}`, /The source file does not exist/],
          ['#/new', /Choose…/],
        ] as const) {
          await page.goto(page.url().replace(/#.*/, hash));
          await page.locator('section:visible').getByText(text).first().waitFor({ state: 'attached' });
          await assertAccessible(page);
          assert.equal(await page.evaluate('document.documentElement.scrollWidth'), width, `${hash} is too wide`);
        }
        await close();
      });
    }
  }
});
