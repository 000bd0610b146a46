import { accessSync, constants } from 'node:fs';
import { chromium, type Browser } from 'playwright-core';

/** Chromium, by CHROMIUM_PATH or where Debian puts it. Nothing is downloaded. */
export const CHROMIUM_PATH = process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium';

/** Whether there is a Chromium on this machine. */
export function hasChromium(): boolean {
  try {
    accessSync(CHROMIUM_PATH, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** A Chromium without a window. It runs what this project serves alone, so that it needs no sandbox. */
export function startChromium(): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM_PATH, headless: true, args: ['--no-sandbox'] });
}
