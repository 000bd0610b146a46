import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { extname } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Option } from '@commander-js/extra-typings';
import { CliError, UnreachableError, usageError } from '../cli-error.ts';
import type { CliContext } from '../context.ts';
import { connectApi } from '../http/connect.ts';
import { inOneLine, printable } from '../text.ts';
import type { CommandSet } from './command-set.ts';
import * as common from './options.ts';

/** `apollo report`: a row for each file of a job, as it streams. */
export function addReport({ program, context }: CommandSet): void {
  program
    .command('report')
    .summary('every file of a job, with its state and reason')
    .description(
      'Writes a row for each file of a job to standard output, or to a file, as it comes. In CSV, a text that a ' +
        'spreadsheet would take for a formula has an apostrophe in front, be it a name or a checksum; programs take ' +
        'ndjson, which has every value to the letter.',
    )
    .argument('<correlation-id>', 'the job', common.correlationId)
    .addOption(
      new Option('--format <format>', 'ndjson or csv (default: by the name of the file, else ndjson)').choices([
        'ndjson',
        'csv',
      ] as const),
    )
    .option('-o, --output <file>', 'a file, which appears once it is whole')
    .addOption(common.apiOption)
    .addOption(common.tokenOption)
    .addOption(common.tokenCommandOption)
    .addHelpText(
      'after',
      common.examples(
        `apollo report ${common.EXAMPLE_ID} --output report.csv`,
        `apollo report ${common.EXAMPLE_ID} | grep '"state":"Failed"'`,
      ),
    )
    .action(async (id, options) => {
      const format = options.format ?? formatOf(options.output);
      const api = connectApi(options, context);
      const report = Readable.fromWeb(await api.stream(`/apollo/files/copy/${id}/report?format=${format}`));
      await (options.output === undefined ? toStdout(report, context) : toFile(report, options.output, context));
    });
}

/** By the name of the file, where it tells; a name that tells of another format is asked about. */
function formatOf(output: string | undefined): 'ndjson' | 'csv' {
  const extension = output === undefined ? '' : extname(output).toLowerCase();
  if (extension === '.csv') return 'csv';
  if (['', '.ndjson', '.jsonl', '.json'].includes(extension)) return 'ndjson';
  throw usageError(`a report is not written as ${printable(extension)}: give --format ndjson or csv`);
}

async function toStdout(report: Readable, { stdout, signal }: CliContext): Promise<void> {
  const cut = watchForCut(report, stdout);
  await pipeline(report, stdout, { signal, end: false }).catch(cut.explain);
}

async function toFile(report: Readable, path: string, { signal }: CliContext): Promise<void> {
  const unfinished = `${path}.part`;
  const file = createWriteStream(unfinished);
  const cut = watchForCut(report, file);
  try {
    await pipeline(report, file, { signal }).catch(cut.explain);
    await rename(unfinished, path);
  } catch (error) {
    await rm(unfinished, { force: true });
    if (error instanceof CliError || signal.aborted) throw error;
    throw usageError(`${path} cannot be written: ${inOneLine(error)}`);
  }
}

/** Tells a report that broke off from a place that takes none. */
function watchForCut(report: Readable, place: NodeJS.WritableStream): { explain: (error: unknown) => never } {
  // A pipeline has both fail with what one of them failed with first.
  let isCut: boolean | undefined;
  report.once('error', () => {
    isCut ??= true;
  });
  place.once('error', () => {
    isCut ??= false;
  });
  return {
    explain(error) {
      if (isCut !== true || (error as Error).name === 'AbortError') throw error;
      throw new UnreachableError('the report broke off: what came of it is not whole', { cause: error });
    },
  };
}
