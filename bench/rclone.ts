import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { createProcesses } from '../dev/processes.ts';

/** What a server-side copy by rclone took. */
export interface RcloneCopy {
  seconds: number;
  /** CPU time of the process, in microseconds. */
  cpuMicros: number;
}

/** `rclone v1.60.1-DEV`; undefined: it is not installed. */
export async function rcloneVersion(): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)('rclone', ['version'], { env: environment() });
    return stdout.split('\n')[0];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function environment(): Record<string, string> {
  // No configuration of the person who runs this, and no proxy.
  return { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '/', RCLONE_CONFIG: '/dev/null' };
}

/** The shell's own account of what its children took: `0m1.160000s 0m0.280000s`, user and system. */
const TIMES = /^(\d+)m([\d.]+)s (\d+)m([\d.]+)s$/;

/** Copies what is under `BUCKET/PREFIX` to another, within one server. Throws where rclone fails. */
export async function rcloneCopy(options: {
  storageUrl: string;
  from: string;
  to: string;
  /** Both `--transfers` and `--checkers`. */
  transfers: number;
}): Promise<RcloneCopy> {
  const { storageUrl, from, to, transfers } = options;
  const lines: string[] = [];
  const processes = createProcesses();
  try {
    const startedAt = performance.now();
    const running = await processes.start(
      '/bin/sh',
      [
        ...['-c', 'rclone "$@"; status=$?; times; exit $status', 'sh'],
        ...['copy', `:gcs:${from}`, `:gcs:${to}`, '--gcs-anonymous', '--gcs-endpoint', `${storageUrl}/storage/v1/`],
        ...['--transfers', String(transfers), '--checkers', String(transfers), '--log-level', 'ERROR'],
      ],
      { env: environment(), onLine: (line) => lines.push(line) },
    );
    const { code } = await running.exited;
    const seconds = (performance.now() - startedAt) / 1_000;
    const [, ...times] = TIMES.exec(lines.at(-1) ?? '') ?? [];
    if (code !== 0 || times.length !== 4) throw new Error(`rclone failed: ${running.tail()}`);
    const [userMinutes = 0, userSeconds = 0, systemMinutes = 0, systemSeconds = 0] = times.map(Number);
    const cpuSeconds = (userMinutes + systemMinutes) * 60 + userSeconds + systemSeconds;
    return { seconds, cpuMicros: cpuSeconds * 1_000_000 };
  } finally {
    processes.close();
  }
}
