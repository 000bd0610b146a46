import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

const ROOT = join(import.meta.dirname, '..', '..');

/** Runs a command to its end; what it says is there at once, since it starts nothing. */
async function run(...args: string[]): Promise<{ code: unknown; out: string; error: string }> {
  const command = spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
  const [out, error, [code]] = await Promise.all([
    text(command.stdout),
    text(command.stderr),
    once(command, 'close') as Promise<unknown[]>,
  ]);
  return { code, out, error };
}

describe('the commands for developers', function () {
  this.timeout(60_000);

  for (const [file, wrong, says] of [
    ['bench/main.ts', ['--only', 'nothing'], /^bench: There is no scenario nothing; there are .* \(see --help\)\n$/],
    ['chaos/main.ts', ['--minutes', '0'], /^chaos: --minutes is a number up to 120 \(see --help\)\n$/],
    ['dev/dev.ts', ['one', 'two'], /^dev: Unexpected argument 'two': there is one folder \(see --help\)\n$/],
    ['dev/demo.ts', ['twice'], /^demo: Unexpected argument 'twice'. .* \(see --help\)\n$/],
    ['dev/token.ts', [], /^dev:token: --sub is required \(see --help\)\n$/],
  ] as const) {
    it(`${file} gives help, and refuses what it does not know in one line`, async () => {
      const [help, unknown, other] = await Promise.all([
        run(file, '--help'),
        run(file, '--bogus'),
        run(file, ...wrong),
      ]);
      assert.deepEqual([help.code, help.error], [0, '']);
      assert.match(help.out, /^npm run .*\n\n( {2}.*\n)* {2}--help +shows this\n/);
      assert.deepEqual([unknown.code, unknown.out, other.code, other.out], [2, '', 2, '']);
      assert.match(unknown.error, /^[a-z:]+: Unknown option '--bogus' \(see --help\)\n$/);
      assert.match(other.error, says);
    });
  }
});
