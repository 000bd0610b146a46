import { execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';

/** What the kernel knows of another process (Linux: proc_pid_stat(5), proc_pid_status(5)). */

let ticksPerSecond: number | undefined;

/** CPU time that a process has taken so far, all its threads, in microseconds; in steps of 10 ms. */
export async function cpuMicros(pid: number): Promise<number> {
  ticksPerSecond ??= Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  // The second field is the program's name in parentheses, which may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [utime, stime] = [Number(fields[11]), Number(fields[12])];
  return ((utime + stime) / ticksPerSecond) * 1_000_000;
}

/** The most memory a process has held since its start or the last `resetPeak`, in bytes. */
export async function peakResidentSize(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const kilobytes = /^VmHWM:\s*(\d+) kB$/m.exec(status)?.[1];
  if (kilobytes === undefined) throw new Error(`/proc/${pid}/status says nothing of VmHWM`);
  return Number(kilobytes) * 1_024;
}

/** Has the peak start anew from what the process holds now: bundling workflows takes more than running them. */
export async function resetPeak(pid: number): Promise<void> {
  await writeFile(`/proc/${pid}/clear_refs`, '5');
}
