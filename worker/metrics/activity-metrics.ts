import { ApplicationFailure, type MetricMeter } from '@temporalio/common';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import type { Activities } from '../../activities/index.ts';
import { isReasonCode } from '../../contract/reasons.ts';
import { countResults } from '../../storage/job-chunks.ts';
import type { Tallies } from './tallies.ts';

type Result<Name extends keyof Activities> = Awaited<ReturnType<Activities[Name]>>;
type Task<Name extends keyof Activities> = Parameters<Activities[Name]>[0];

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
  const counted: Readonly<Record<string, (result: unknown, task: unknown) => void>> = {
    saveResults(_result, task) {
      countFiles(countResults((task as Task<'saveResults'>).files));
    },
    closeJob(_result, task) {
      const { results } = task as Task<'closeJob'>;
      if (results !== undefined) countFiles(countResults(results.files));
    },
    copyChunk(result) {
      const { counts, leftovers, reason } = result as Result<'copyChunk'>;
      countFiles(counts);
      const outcome = outcomeOf(result as Result<'copyChunk'>);
      chunks.add(1, { outcome });
      if (outcome === 'left_over') retries.add(leftovers.length, { reason: codeIn(reason) });
    },
    admitJob(result) {
      jobs.add(1, { verdict: (result as Result<'admitJob'>).verdict });
    },
    admitBulk(result) {
      jobs.add(1, { verdict: (result as Result<'admitBulk'>).verdict });
    },
  };

  /** What an activity failed with; stopped: its job was cancelled or terminated, or its worker ends. */
  const failed: Readonly<Record<string, (error: unknown, isStopped: boolean) => void>> = {
    copyFile(error) {
      if (!(error instanceof ApplicationFailure) || error.nonRetryable === true) return;
      retries.add(1, { reason: codeIn(error.type ?? '') });
    },
    copyChunk(_error, isStopped) {
      chunks.add(1, { outcome: isStopped ? 'stopped' : 'failed' });
    },
  };

  return ({ info: { activityType }, cancellationSignal }) => ({
    inbound: {
      async execute(input, next) {
        const change = (by: number) => {
          if (activityType === 'copyChunk') inProgress.set((chunksInHand += by));
        };
        change(1);
        try {
          const result = await next(input);
          counted[activityType]?.(result, input.args[0]);
          return result;
        } catch (error) {
          failed[activityType]?.(error, cancellationSignal.aborted);
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
