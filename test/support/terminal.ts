import { spawn } from 'node:child_process';
import type { Writable } from 'node:stream';

/** A shell at a terminal of its own, as a person has it. */
export interface Terminal {
  /** Types lines; gives what they print, when all of them are done. Rejects where the shell ends before. */
  type(lines: string): Promise<string>;
  /** Ends the shell, and whatever it still runs. */
  close(): Promise<void>;
}

interface TerminalOptions {
  cwd: string;
  env: Readonly<Record<string, string>>;
  columns?: number;
}

/** Runs a program at a pseudo-terminal, which Node.js has none of. */
const AT_A_TERMINAL = 'import pty, sys; pty.spawn(sys.argv[1:])';

/** What is typed comes by a pipe of its own: at the terminal itself a shell would show a prompt, and what is typed. */
const EACH_BLOCK = 'while IFS= read -r -d "" -u 3 block; do eval "$block" 3<&-; done';
const SHELL = ['bash', '--norc', '-eu', '-c', EACH_BLOCK];

/** How long the shell may take to end once nothing more is typed. */
const ENDS_WITHIN_MS = 2_000;

/** What the shell says once it has done what was typed. */
const DONE = '----- done';

/** Opens a terminal. Its shell ends at the first command that fails, and at a variable that is not set. */
export async function openTerminal({ cwd, env, columns = 120 }: TerminalOptions): Promise<Terminal> {
  const child = spawn('python3', ['-c', AT_A_TERMINAL, ...SHELL], {
    cwd,
    env: { ...env, TERM: 'xterm' },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  const keyboard = child.stdio[3] as Writable;
  // Whoever types into a shell that has ended is told so by `type`.
  keyboard.on('error', () => undefined);
  let printed = '';
  let wake = () => {};
  let hasEnded = false;
  for (const output of [child.stdout, child.stderr]) {
    output?.setEncoding('utf8').on('data', (text: string) => {
      printed += text.replaceAll('\r\n', '\n');
      wake();
    });
  }
  const closed = new Promise<void>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', () => {
      hasEnded = true;
      wake();
      resolve();
    });
  });

  const terminal: Terminal = {
    async type(lines) {
      printed = '';
      keyboard.write(`${lines}\necho '${DONE}'\0`);
      for (;;) {
        const end = printed.indexOf(`${DONE}\n`);
        if (end >= 0) return printed.slice(0, end);
        if (hasEnded) throw new Error(`The shell has ended at ${lines}\nIt had printed:\n${printed}`);
        await Promise.race([new Promise<void>((resolve) => (wake = resolve)), closed]);
      }
    },
    async close() {
      keyboard.end();
      // Its end takes the terminal away from whatever still runs there.
      const giveUp = setTimeout(() => child.kill('SIGKILL'), ENDS_WITHIN_MS);
      await closed;
      clearTimeout(giveUp);
    },
  };
  await terminal.type(`stty columns ${columns}`);
  return terminal;
}
