import { clearLine, cursorTo } from 'node:readline';
import type { OutputStream } from '../context.ts';

/** Where a terminal does not say how wide it is. */
const USUAL_COLUMNS = 80;

/** A line at the bottom of a terminal that is written over again and again. */
export class StatusLine {
  readonly #stream: OutputStream;
  #isShown = false;

  constructor(stream: OutputStream) {
    this.#stream = stream;
  }

  /** What fits in one line: in the last column, some terminals would begin another. */
  get width(): number {
    // Some say 0.
    return (this.#stream.columns || USUAL_COLUMNS) - 1;
  }

  show(text: string): void {
    this.clear();
    this.#stream.write(text);
    this.#isShown = true;
  }

  clear(): void {
    if (!this.#isShown) return;
    cursorTo(this.#stream, 0);
    clearLine(this.#stream, 0);
    this.#isShown = false;
  }
}
