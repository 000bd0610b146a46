import { readFile } from 'node:fs/promises';
import { availableParallelism, cpus, release, totalmem, type } from 'node:os';
import { join } from 'node:path';
import type { Bench } from './bench.ts';

/** What figures depend on: the machine and the versions, as name and value. */
export async function describeMachine({ temporal, rclone }: Bench): Promise<[string, string][]> {
  const { serverVersion } = await temporal.workflowService.getSystemInfo({});
  const sdk = JSON.parse(
    await readFile(join(import.meta.dirname, '../node_modules/@temporalio/worker/package.json'), 'utf8'),
  ) as { version: string };
  const gibibytes = (totalmem() / 1_024 ** 3).toFixed(0);
  return [
    ['Processors', `${availableParallelism()} × ${cpus()[0]?.model.trim() ?? ''}`],
    ['Memory', `${gibibytes} GiB`],
    ['System', `${type()} ${release()}`],
    ['Node', process.version],
    ['Temporal', `server ${serverVersion} (development server, in memory), SDK ${sdk.version}`],
    ['rclone', rclone ?? 'not installed'],
  ];
}
