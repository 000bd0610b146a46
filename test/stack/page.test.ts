import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import { assertAccessible, needsChromium, openPage } from '../api/page/support.ts';
import { holdBefore } from '../support/storage-proxy/index.ts';
import type { Caller } from './support/caller.ts';
import { useWorld } from './support/world.ts';

describe('the operator page', function () {
  this.timeout(120_000);
  needsChromium();
  const world = useWorld('calm');

  async function openAs(caller: Caller) {
    const { stack } = world();
    return await openPage(`${stack.apiUrl}/#token=${await stack.token({ sub: caller.name })}`);
  }

  /** Fills the form in and sends it. */
  async function startCopy(page: Page, caller: Caller, names: string[], isDryRun: boolean): Promise<void> {
    await page.getByRole('link', { name: 'New copy' }).first().click();
    await page.getByLabel('From collection').selectOption(caller.sourceId);
    await page.getByLabel('To collection').selectOption(caller.destinationId);
    await page.getByLabel('File names, one on each line').fill(names.join('\n'));
    await page.getByLabel('Dry run first').setChecked(isDryRun);
    await page.getByRole('button', { name: isDryRun ? 'Start dry run' : 'Start copying' }).click();
    await page.getByRole('heading', { name: /^Job / }).waitFor();
  }

  it('takes a person from a dry run to the copied files, and from a failure to its retry', async () => {
    const caller = await world().newCaller();
    const names = await caller.files(5);
    const late = 'not there <yet>.txt';
    const { page, close } = await openAs(caller);
    await startCopy(page, caller, [...names, late], true);
    await page.getByText('This was a dry run: nothing was copied.').waitFor();
    for (const name of names) assert.equal(await caller.content(name), undefined);

    await page.getByRole('button', { name: 'Copy these files now' }).click();
    await page.getByText('Some files could not be copied.').waitFor();
    await page.getByRole('row', { name: /not there <yet>\.txt.*The source file does not exist\./ }).waitFor();
    for (const name of names) assert.equal(await caller.content(name), `content of ${name}`);

    await caller.put(late);
    await page.getByRole('button', { name: 'Retry what failed' }).click();
    await page.locator('#job-counts', { hasText: '1 of 1 file (100%)' }).waitFor();
    await page.getByText('Every file is copied').waitFor();
    assert.equal(await caller.content(late), `content of ${late}`);

    await page.getByRole('link', { name: '← All jobs' }).click();
    const jobs = page.getByRole('list', { name: 'Jobs, newest first' }).getByRole('listitem');
    await jobs.nth(2).waitFor();
    await assertAccessible(page);
    await close();
  });

  it('pauses, resumes and cancels a job that Temporal runs, and links to it there', async () => {
    const caller = await world().newCaller();
    const names = await caller.files(40);
    const hold = holdBefore();
    world().proxy.inject(caller.rewrites(/file-003/), hold);
    const { page, close } = await openAs(caller);
    await startCopy(page, caller, names, false);
    await page.locator('#job-counts', { hasText: '30 of 40 files (75%)' }).waitFor();
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByText('the job keeps its locks').waitFor();
    await page.getByRole('button', { name: 'Resume' }).click();
    await page.getByText('Files are being copied.').waitFor();
    const link = await page.getByRole('link', { name: /Open in Temporal/ }).getAttribute('href');
    const id = new URL(page.url()).hash.replace('#/jobs/', '');
    assert.equal(link, `${world().stack.temporalUiUrl}/namespaces/default/workflows/${id}`);
    await page.getByRole('button', { name: 'Cancel job…' }).click();
    await page.getByRole('button', { name: 'Cancel the job' }).click();
    await page.getByText('No further file is started; what was sent').waitFor();
    hold.release();
    const { job } = await caller.ended(id);
    await page.getByText(job.state === 'Cancelled' ? 'Stopped on request' : 'Every file is copied').waitFor();
    await close();
  });
});
