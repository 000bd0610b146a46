import { stringify } from 'csv-stringify/sync';
import type { FileRecord } from '../../contract/messages.ts';
import type { JobPage } from '../jobs/job-service.ts';

/** The columns of a report, in their order. */
export const REPORT_COLUMNS = [
  'sourceCollectionId',
  'destinationCollectionId',
  'fileName',
  'destinationFileName',
  'size',
  'crc32c',
  'generation',
  'state',
  'retryCount',
  'message',
] as const satisfies (keyof FileRecord)[];

type ReportRow = Pick<FileRecord, (typeof REPORT_COLUMNS)[number]>;

export const REPORT_FORMATS = ['ndjson', 'csv'] as const;
export type ReportFormat = (typeof REPORT_FORMATS)[number];

export const REPORT_TYPES: Readonly<Record<ReportFormat, string>> = {
  ndjson: 'application/x-ndjson',
  csv: 'text/csv; charset=utf-8',
};

/**
 * RFC 4180. A text that a spreadsheet would take for a formula gets an apostrophe in front
 * (owasp.org/www-community/attacks/CSV_Injection); whoever wants names to the letter takes NDJSON.
 */
function csv(rows: readonly (readonly unknown[])[]): string {
  // Line ends inside a field are quoted, also those that are not the record's own.
  return stringify([...rows], { record_delimiter: 'windows', escape_formulas: true, quoted_match: /[\r\n]/ });
}

function ndjson(rows: readonly ReportRow[]): string {
  return rows.map((row) => `${JSON.stringify(row, [...REPORT_COLUMNS])}\n`).join('');
}

/** A report on all files of a job as text, a page at a time. */
export async function* reportText(
  pages: AsyncIterable<JobPage>,
  format: ReportFormat,
): AsyncGenerator<string, void, undefined> {
  if (format === 'csv') yield csv([REPORT_COLUMNS]);
  for await (const { files } of pages) {
    if (files.length === 0) continue;
    yield format === 'csv' ? csv(files.map((file) => REPORT_COLUMNS.map((column) => file[column]))) : ndjson(files);
  }
}
