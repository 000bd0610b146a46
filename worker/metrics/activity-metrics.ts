import { ApplicationFailure, type MetricMeter } from '@temporalio/common';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import type { Activities } from '../../activities/index.ts';
import { isReasonCode } from '../../contract/reasons.ts';
import { countResults } from '../../storage/job-chunks.ts';
import type { Tallies } from './tallies.ts';

type Result<Name extends keyof Activities> = Awaited<ReturnType<Activities[Name]>>;
type Task<Name extends keyof Activities> = Parameters<Activities[Name]>[0];

/** What is counted of activities that gave something back, and of those that failed, by their names. */
type Counting = { readonly [Name in keyof Activities]?: (result: Result<Name>, task: Task<Name>) => void };
type CountingFailures = { readonly [Name in keyof Activities]?: (error: unknown, isStopped: boolean) => void };

/** Files that have come to their end, of few kinds; `bytes`: copied. */
interface EndedFiles {
  completed: number;
  skipped: number;
  failed: number;
  cancelled: number;
  bytes: number;
}

/** Counts what activities give back: how files ended, what was tried again and why, and how chunks go on. */
export function activityMetrics(
  tallies: Tallies,
  meter: Pick<MetricMeter, 'createGauge'>,
): ActivityInterceptorsFactory {
  const files = tallies.counter('apollo_files_total', 'Files whose end was stored, by result.', ['result']);
  const bytes = tallies.counter('apollo_bytes_copied_total', 'Bytes of the files that were copied.', []);
  const retries = tallies.counter(
    'apollo_file_retries_total',
    'Files that are to be tried again after a pause, by the reason of the failure before.',
    ['reason'],
  );
  const chunks = tallies.counter(
    'apollo_chunks_total',
    'Passes over chunks of bulk jobs, by outcome: complete, left_over where files are to be tried again, out_of_time ' +
      'where the rate leaves files to the next pass, stopped where nothing failed but the job was paused or cancelled, ' +
      'failed.',
    ['outcome'],
  );
  const jobs = tallies.counter('apollo_admissions_total', 'Jobs that were decided, by verdict.', ['verdict']);
  const inProgress = meter.createGauge('apollo_chunks_in_progress', 'int', '', 'Chunks that the worker has in hand.');
  countFiles({ completed: 0, skipped: 0, failed: 0, cancelled: 0, bytes: 0 });
  let chunksInHand = 0;
  inProgress.set(0);

  function countFiles(ended: EndedFiles): void {
    for (const result of ['completed', 'skipped', 'failed', 'cancelled'] as const) {
      files.add(ended[result], { result });
    }
    bytes.add(ended.bytes, {});
  }

  /** What an activity gave back. */
  const counted: Counting = {
    saveResults(_result, { files: ended }) {
      countFiles(countResults(ended));
    },
    closeJob(_result, { results }) {
      if (results !== undefined) countFiles(countResults(results.files));
    },
    copyChunk(result) {
      const { counts, leftovers, reason } = result;
      countFiles(counts);
      const outcome = outcomeOf(result);
      chunks.add(1, { outcome });
      if (outcome === 'left_over') retries.add(leftovers.length, { reason: codeIn(reason) });
    },
    // It makes no pass: it stores what one has copied that was lost.
    findCopies({ counts }) {
      countFiles(counts);
    },
    admitJob({ verdict }) {
      jobs.add(1, { verdict });
    },
    admitBulk({ verdict }) {
      jobs.add(1, { verdict });
    },
  };

  /** What an activity failed with; stopped: its job was cancelled or terminated, or its worker ends. */
  const failed: CountingFailures = {
    copyFile(error) {
      if (!(error instanceof ApplicationFailure) || error.nonRetryable === true) return;
      retries.add(1, { reason: codeIn(error.type ?? '') });
    },
    copyChunk(_error, isStopped) {
      chunks.add(1, { outcome: isStopped ? 'stopped' : 'failed' });
    },
  };

  return ({ info, cancellationSignal }) => ({
    inbound: {
      async execute(input, next) {
        // Temporal knows activities by name only: what one is called with and gives back is of the types of its name.
        const name = info.activityType as keyof Activities;
        const count = counted[name] as ((result: unknown, task: unknown) => void) | undefined;
        const change = (by: number) => {
          if (name === 'copyChunk') inProgress.set((chunksInHand += by));
        };
        change(1);
        try {
          const result = await next(input);
          count?.(result, input.args[0]);
          return result;
        } catch (error) {
          failed[name]?.(error, cancellationSignal.aborted);
          throw error;
        } finally {
          change(-1);
        }
      },
    },
  });
}

/** What a pass over a chunk came to. Where nothing failed, and there was time, the job was paused or cancelled. */
function outcomeOf({ leftovers, reason, isOutOfTime }: Result<'copyChunk'>): string {
  if (leftovers.length === 0) return 'complete';
  if (isOutOfTime === true) return 'out_of_time';
  return reason === '' ? 'stopped' : 'left_over';
}

/** The code that a reason begins with: one of a closed list. */
function codeIn(reason: string): string {
  const [code = ''] = reason.split(':');
  return isReasonCode(code) ? code : 'none';
}
