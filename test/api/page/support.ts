import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { listen, type Listener } from '../../../api/server.ts';
import { afterAllTests } from '../../support/root-hooks.ts';
import { CHROMIUM_PATH, hasChromium, startChromium } from '../../support/chromium.ts';
import { setUp, token } from '../support.ts';

let browser: Promise<Browser> | undefined;

function sharedBrowser(): Promise<Browser> {
  if (browser === undefined) {
    const started = startChromium();
    browser = started;
    afterAllTests(async () => {
      await (await started).close();
    });
  }
  return browser;
}

/** A page of its own, which fails the test where a script of it fails, or asks for what its policy forbids. */
interface TestPage {
  page: Page;
  close(): Promise<void>;
}

interface PageOptions {
  width?: number;
  colorScheme?: 'light' | 'dark';
}

/** Opens an address in a browser tab of its own. */
export async function openPage(url: string, { width = 1280, colorScheme = 'light' }: PageOptions = {}) {
  const context = await (await sharedBrowser()).newContext({ viewport: { width, height: 900 }, colorScheme });
  context.setDefaultTimeout(20_000);
  const page = await context.newPage();
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(String(error)));
  page.on('console', (message) => {
    const text = message.text();
    // Answers other than 200 are part of some tests, and so is a plain address; what the policy stops never is.
    const isExpected = /^Failed to load resource|^The Cross-Origin-Opener-Policy header/.test(text);
    if (message.type() === 'error' && !isExpected) problems.push(text);
  });
  await page.goto(url);
  const close = async () => {
    await context.close();
    assert.deepEqual(problems, []);
  };
  return { page, close } satisfies TestPage;
}

/** Skips a suite, saying so once, where there is no Chromium. To be called inside `describe`. */
export function needsChromium(): void {
  before(function () {
    if (hasChromium()) return;
    process.stdout.write(`    skipped: no Chromium at ${CHROMIUM_PATH} (CHROMIUM_PATH names another place)\n`);
    this.skip();
  });
}

/** The app on doubles behind a real socket, and its page. */
export async function servePage(options: Parameters<typeof setUp>[0] = {}) {
  const listener: Listener = await listen('127.0.0.1', 0);
  // Streams of events end with this, as they do with the process.
  const stopping = new AbortController();
  const api = setUp({ stopping: stopping.signal, ...options });
  listener.answer(api.app.fetch);
  const opened: TestPage[] = [];
  return {
    ...api,
    url: listener.url,
    /** Opens the page as `npm run dev` links to it, at this place. */
    open: async (hash = '#/', pageOptions: PageOptions = {}): Promise<Page> => {
      const tab = await openPage(`${listener.url}/#token=${token}`, pageOptions);
      opened.push(tab);
      await tab.page.goto(`${listener.url}/${hash}`);
      return tab.page;
    },
    /** Opens the page without a token. */
    openSignedOut: async (hash = ''): Promise<Page> => {
      const tab = await openPage(`${listener.url}/${hash}`);
      opened.push(tab);
      return tab.page;
    },
    close: async () => {
      stopping.abort();
      try {
        for (const tab of opened) await tab.close();
      } finally {
        await listener.close(0);
      }
    },
  };
}

const axe = readFile(fileURLToPath(import.meta.resolve('axe-core/axe.min.js')), 'utf8');

interface Violation {
  id: string;
  impact: string | null;
  nodes: { html: string }[];
}

/** Asserts that axe-core finds nothing that keeps people from using what the page shows now. */
export async function assertAccessible(page: Page): Promise<void> {
  // Evaluated by the debugger, so that the page's policy need not let it in.
  await page.evaluate(await axe);
  const violations = await page.evaluate<Violation[]>('axe.run().then(({ violations }) => violations)');
  const found = violations.map(({ id, impact, nodes }) => `${impact ?? ''} ${id}: ${nodes.map((n) => n.html).join()}`);
  assert.deepEqual(found, []);
}
