/** What demo and dev print. */

const colour = process.stdout.isTTY && process.env['NO_COLOR'] === undefined;
const style = (code: number) => (text: string) => (colour ? `\u001b[${code}m${text}\u001b[0m` : text);
const bold = style(1);
const dim = style(2);
const green = style(32);

const TITLE_WIDTH = 72;

/** A heading with an empty line before it. */
export function heading(text: string): void {
  console.log(`\n${bold(text)}`);
}

/** Text, or a value as JSON, indented. */
export function show(value: unknown): void {
  const text = typeof value === 'string' ? value : JSON.stringify(value, undefined, 2);
  console.log(text.replaceAll(/^(?=.)/gm, '  '));
}

/** Does a step, and prints its title with the time it took once it is done. */
export async function step<T>(title: string, work: () => Promise<T>): Promise<T> {
  const started = performance.now();
  if (colour) process.stdout.write(dim(`… ${title}`));
  try {
    const result = await work();
    if (colour) process.stdout.write('\r');
    console.log(`${green('✓')} ${title.padEnd(TITLE_WIDTH)} ${dim(seconds(started).padStart(7))}`);
    return result;
  } catch (error) {
    if (colour) process.stdout.write('\n');
    throw error;
  }
}

/** Time since a moment of `performance.now()`: `1.3 s`. */
export function seconds(since: number): string {
  return `${((performance.now() - since) / 1_000).toFixed(1)} s`;
}

/** Rows with their columns aligned. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** A POST as a line to paste into a shell; `token` is a token or the name of a variable that holds one. */
export function curlPost(url: string, token: string, body: unknown): string {
  const json = JSON.stringify(body).replaceAll("'", String.raw`'\''`);
  const headers = [`-H "Authorization: Bearer ${token}"`, "-H 'Content-Type: application/json'"];
  return [`curl -sS ${url}`, ...headers, `-d '${json}'`].join(' \\\n  ');
}
