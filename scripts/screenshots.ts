import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { startStack, type Stack } from '../dev/stack.ts';
import { startChromium } from '../test/support/chromium.ts';
import { delay, startStorageProxy, type StorageProxy } from '../test/support/storage-proxy/index.ts';

/** `npm run screenshots`: renews the pictures of the operator page and of Temporal's Web UI in docs/, from real jobs on the embedded stack. */

const FOLDER = join(import.meta.dirname, '..', 'docs', 'images');
const CALLER = 'ana@example.com';
const FILES = 100;
/** Copying a file takes so long, in milliseconds, so that a job is seen on its way. */
const COPY_TAKES_MS = 1_500;
const WIDTHS = { wide: { width: 1280, height: 900 }, phone: { width: 390, height: 844 } };
/** Narrower, Temporal's Web UI cuts its own texts. */
const TEMPORAL_SIZE = { width: 1440, height: 1000 };
const SCHEMES = ['light', 'dark'] as const;

const [SOURCE, DESTINATION] = ['survey-2026', 'survey-archive'];
const entry = (fileName: string) => ({ sourceCollectionId: SOURCE, destinationCollectionId: DESTINATION, fileName });

const tile = (index: number) => `tiles/${String(index).padStart(4, '0')}.tif`;

interface Jobs {
  partlyFailed: string;
  running: string;
}

async function fillStorage({ emulator }: Stack): Promise<void> {
  const bucket = 'survey-data';
  const acl = { readwrite: [CALLER] };
  const collections = [
    { collectionId: SOURCE, collectionName: 'Survey 2026', bucket, prefix: 'in/' },
    { collectionId: DESTINATION, collectionName: 'Survey archive', bucket, prefix: 'archive/' },
  ];
  for (const collection of collections) await emulator.putCollection({ ...collection, acl });
  const names = Array.from({ length: FILES }, (_, index) => tile(index));
  for (let next = 0; next < names.length; next += 20) {
    const some = names.slice(next, next + 20);
    await Promise.all(some.map((name, index) => emulator.putObject(bucket, `in/${name}`, 'x'.repeat(40_000 + index))));
  }
  await emulator.putObject(bucket, 'in/reports/summary für März.pdf', 'x'.repeat(182_344));
}

/** One job of each kind that a person meets. */
async function makeJobs(stack: Stack, proxy: StorageProxy): Promise<Jobs> {
  const token = await stack.token({ sub: CALLER });
  async function copy(body: object, wait: number): Promise<string> {
    const id = randomUUID();
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'x-correlation-id': id };
    const response = await fetch(`${stack.apiUrl}/apollo/files/copy`, {
      method: 'POST',
      headers: { ...headers, prefer: `wait=${wait}` },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`The copy was answered ${response.status}: ${await response.text()}`);
    return id;
  }
  const collection = (prefix: string) => ({ sourceCollectionId: SOURCE, destinationCollectionId: DESTINATION, prefix });
  await copy({ collection: collection('reports/') }, 30);
  await copy({ collection: collection('tiles/00'), options: { dryRun: true } }, 30);
  const names = ['0001', '0002', '0003', '0004', '9998', '0005', '9999', '0006'].map((name) => `tiles/${name}.tif`);
  const partlyFailed = await copy({ copyFileCollectionData: names.map(entry) }, 30);
  const all = Array.from({ length: FILES }, (_, index) => entry(tile(index)));
  proxy.inject({ operation: 'rewrite', name: /^archive\/tiles/ }, delay(COPY_TAKES_MS));
  const running = await copy({ copyFileCollectionData: all }, 1);
  return { partlyFailed, running };
}

async function openPage(browser: Browser, stack: Stack, size: keyof typeof WIDTHS, scheme: (typeof SCHEMES)[number]) {
  const context = await browser.newContext({ viewport: WIDTHS[size], colorScheme: scheme, deviceScaleFactor: 1 });
  const page = await context.newPage();
  await page.goto(`${stack.apiUrl}/#token=${await stack.token({ sub: CALLER })}`);
  return page;
}

async function takePictures(page: Page, jobs: Jobs, suffix: string): Promise<void> {
  const save = (name: string) => page.screenshot({ path: join(FOLDER, `page-${name}-${suffix}.png`), fullPage: true });
  const openHash = (hash: string) => page.goto(page.url().replace(/#.*/, hash));
  await page.getByText(/files\/s · about/).waitFor();
  await save('jobs');
  await openHash(`#/jobs/${jobs.partlyFailed}`);
  await page.getByText('The source file does not exist.').first().waitFor();
  await save('failed-job');
  await openHash(`#/jobs/${jobs.running}`);
  await page.locator('#job-speed').getByText(/left/).waitFor();
  await page.locator('#files-body tr').first().waitFor();
  await page.screenshot({ path: join(FOLDER, `page-running-job-${suffix}.png`) });
  await openHash('#/new');
  await page.getByLabel('From collection').selectOption(SOURCE);
  await page.getByLabel('To collection').selectOption(DESTINATION);
  await page.getByLabel('File names').fill('tiles/0001.tif\nreports/summary für März.pdf');
  await save('new-copy');
}

/** The job on its way, with the button that cancels it, and the job of which two files failed, in Temporal's Web UI. */
async function takePicturesOfTemporal(browser: Browser, { temporalUiUrl }: Stack, jobs: Jobs): Promise<void> {
  const context = await browser.newContext({ viewport: TEMPORAL_SIZE, colorScheme: 'light', deviceScaleFactor: 1 });
  const page = await context.newPage();
  async function save(id: string, name: string, button: string): Promise<void> {
    await page.goto(`${temporalUiUrl}/namespaces/default/workflows/${id}`);
    await page.getByRole('button', { name: button }).waitFor();
    // Its history comes in requests of its own.
    await page.getByText('copyFile •').first().waitFor();
    await page.screenshot({ path: join(FOLDER, `temporal-${name}.png`) });
  }
  await save(jobs.running, 'running-job', 'Request Cancellation');
  await save(jobs.partlyFailed, 'job', 'Reset');
  await context.close();
}

await mkdir(FOLDER, { recursive: true });
let proxy: StorageProxy | undefined;
const stack = await startStack({
  anyPorts: true,
  env: { worker: { COPY_CONCURRENCY: '4' } },
  async storageUrl(target) {
    proxy = await startStorageProxy({ target });
    return proxy.url;
  },
});
const browser = await startChromium();
try {
  await fillStorage(stack);
  if (proxy === undefined) throw new Error('The stack came up without its storage proxy');
  const jobs = await makeJobs(stack, proxy);
  await takePicturesOfTemporal(browser, stack, jobs);
  for (const size of ['wide', 'phone'] as const) {
    for (const scheme of SCHEMES) {
      const page = await openPage(browser, stack, size, scheme);
      await takePictures(page, jobs, `${size}-${scheme}`);
      await page.context().close();
    }
  }
} finally {
  await browser.close();
  await stack.stop();
  await proxy?.close();
}
