import { spawn } from 'node:child_process';

/** Ends processes that this one can no longer end itself. */
export interface Guard {
  /** Puts a process group under guard. */
  watch(pid: number): void;
  /** Takes one out that has ended, before its id can belong to somebody else. */
  release(pid: number): void;
  /** Ends the guard, and with it every group still under guard. */
  close(): void;
}

/**
 * Reads `+ pid` and `- pid` until end of file, which comes however the launcher ends, then kills what is left. The
 * negative id is the whole process group. Only shell built-ins, so it cannot fail for want of a program.
 */
const SCRIPT = `
groups=' '
while read -r sign pid; do
  case $sign in
    +) groups="$groups$pid " ;;
    -) case $groups in *" $pid "*) groups="\${groups%%" $pid "*} \${groups#*" $pid "}" ;; esac ;;
  esac
done
for pid in $groups; do kill -s KILL -- "-$pid" 2>/dev/null; done
`;

/**
 * Starts a guard: a shell that outlives this process for a moment, in a process group of its own so that a terminal's
 * Ctrl-C does not reach it. A SIGKILL of this process ends everything under guard too.
 */
export function startGuard(): Guard {
  const shell = spawn('/bin/sh', ['-c', SCRIPT], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  shell.on('error', ignore);
  // A guard that was killed reads no more; what it guarded is then ended by the launcher alone.
  shell.stdin.on('error', ignore);
  shell.unref();
  return {
    watch: (pid) => shell.stdin.write(`+ ${pid}\n`),
    release: (pid) => shell.stdin.write(`- ${pid}\n`),
    close: () => shell.stdin.end(),
  };
}

function ignore(): void {
  // Said above where it is used.
}
