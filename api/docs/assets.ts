import { readFile } from 'node:fs/promises';
import { START_SCRIPT } from './page.ts';

const JAVASCRIPT = 'text/javascript; charset=utf-8';

interface Asset {
  type: string;
  content: () => Promise<string>;
}

/** Reads a file of an installed package, once. */
function once(url: string): () => Promise<string> {
  let text: Promise<string> | undefined;
  return () => (text ??= readFile(new URL(url), 'utf8'));
}

/** What the page loads, by file name. */
export const ASSETS: Readonly<Record<string, Asset>> = {
  'swagger-ui.css': {
    type: 'text/css; charset=utf-8',
    content: once(import.meta.resolve('swagger-ui-dist/swagger-ui.css')),
  },
  'swagger-ui-bundle.js': {
    type: JAVASCRIPT,
    content: once(import.meta.resolve('swagger-ui-dist/swagger-ui-bundle.js')),
  },
  'start.js': { type: JAVASCRIPT, content: () => Promise.resolve(START_SCRIPT) },
};
