/**
 * Where what is kept of jobs is in the control bucket (docs/architecture.md, "The record"): names of objects and, of
 * folders, what the names of all that is in them start with.
 */

const CHUNK_DIGITS = 6;
const PART_DIGITS = 3;
const MORE_PART_DIGITS = 9;

/** All chunks of a job have numbers below this. */
export const CHUNKS_END = 10 ** CHUNK_DIGITS;

/** The folder of the folders of all jobs. */
export const JOBS_FOLDER = 'jobs/';

export function jobFolder(correlationId: string): string {
  return `${JOBS_FOLDER}${correlationId}/`;
}

/** Where, in the order of names, all that is in a job's folder has ended: the digit 0 follows the slash. */
export function behindJob(correlationId: string): string {
  return `${JOBS_FOLDER}${correlationId}0`;
}

export function recordName(correlationId: string): string {
  return `${jobFolder(correlationId)}job.json`;
}

export function inputName(correlationId: string, uuid: string): string {
  return `${jobFolder(correlationId)}input/${uuid}.ndjson`;
}

export function lockedPlacesName(correlationId: string, digest: string): string {
  return `${jobFolder(correlationId)}locked/${digest}.ndjson`;
}

export function planFolder(correlationId: string): string {
  return `${jobFolder(correlationId)}plan/`;
}

export function planName(correlationId: string, chunk: number): string {
  return `${chunkStart(planFolder(correlationId), chunk)}.ndjson`;
}

export function resultsFolder(correlationId: string): string {
  return `${jobFolder(correlationId)}results/`;
}

/** Results of a part of a chunk of a bulk job. */
export function partName(correlationId: string, chunk: number, part: number): string {
  return `${chunkStart(resultsFolder(correlationId), chunk)}-${partDigits(part)}.ndjson`;
}

/** Results of a short list, by the number of their batch and what tells them from others of that number. */
export function batchName(correlationId: string, batch: number, digest: string): string {
  return `${resultsFolder(correlationId)}${digits(batch, CHUNK_DIGITS)}-${digest}.ndjson`;
}

/** Results that were found out for a job that was ended by force; behind its own in the order of names. */
export function settledName(correlationId: string): string {
  return `${resultsFolder(correlationId)}settled.ndjson`;
}

/** What the names of a chunk start with, of its plan or its results by the folder. */
export function chunkStart(folder: string, chunk: number): string {
  return folder + digits(chunk, CHUNK_DIGITS);
}

/** The numbers in an object's name behind that of its folder: of a chunk and, in that of results, of a part. */
export function numbersIn(folder: string, name: string): number[] {
  return (name.slice(folder.length).match(/\d+/g) ?? []).map(Number);
}

/** Parts from the thousandth on, of chunks that were paused as often, have more digits, behind a letter: it sorts last. */
function partDigits(part: number): string {
  return part < 10 ** PART_DIGITS ? digits(part, PART_DIGITS) : `x${digits(part, MORE_PART_DIGITS)}`;
}

/** Padded, so that the order of names is that of numbers. */
function digits(value: number, length: number): string {
  const text = String(value).padStart(length, '0');
  if (text.length > length) throw new RangeError(`${value} has more than ${length} digits`);
  return text;
}
