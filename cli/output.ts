import type { CliContext } from './context.ts';
import { table } from './text.ts';

/** What a command prints: lines for a person at a terminal, JSON lines for everything else, or where asked for. */
export class Output {
  readonly isJson: boolean;
  readonly #context: CliContext;

  constructor(context: CliContext, { json = false }: { json?: boolean | undefined }) {
    this.#context = context;
    this.isJson = json || context.stdout.isTTY !== true;
  }

  /** One thing that was found or done: as JSON, or in words. `null`: a person is not told. */
  show(value: unknown, words: string | readonly string[] | null): void {
    if (this.isJson) this.#line(JSON.stringify(value));
    else if (words !== null) for (const line of [words].flat()) this.#line(line);
  }

  /** Something for a person alone. */
  say(...lines: string[]): void {
    if (!this.isJson) for (const line of lines) this.#line(line);
  }

  /** Many things of a kind: a line of JSON each, or a table, or what stands for none. */
  async showAll<T>(
    items: AsyncIterable<T>,
    { header, row, none }: { header: readonly string[]; row: (item: T) => readonly string[]; none: string },
  ): Promise<void> {
    const rows = [header];
    for await (const item of items) {
      if (this.isJson) this.#line(JSON.stringify(item));
      else rows.push(row(item));
    }
    this.say(...(rows.length === 1 ? [none] : table(rows)));
  }

  #line(text: string): void {
    this.#context.stdout.write(`${text}\n`);
  }
}

/** A remark that belongs to no result. */
export function remark(context: CliContext, text: string): void {
  context.stderr.write(`apollo: ${text}\n`);
}
