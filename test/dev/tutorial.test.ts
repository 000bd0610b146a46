import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { makeExample } from '../../dev/example.ts';
import { CONTROL_BUCKET, startStack, type Stack } from '../../dev/stack.ts';

const ROOT = join(import.meta.dirname, '..', '..');

/** What starts everything is what the tests of the commands run; here a stack at ports of its own stands for it. */
const START = 'npm ci\nnpm run dev\n';

/** Between the output of one block and the next. */
const MARK = '----- end of block';

async function blocks(): Promise<string[]> {
  const tutorial = await readFile(join(ROOT, 'docs', 'tutorial.md'), 'utf8');
  return Array.from(tutorial.matchAll(/```shell\n([\s\S]*?)```/g), ([, block = '']) => block);
}

describe('the tutorial', function () {
  this.timeout(120_000);
  let stack: Stack;
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tutorial-'));
    stack = await startStack({ anyPorts: true });
    await makeExample(stack.emulator, 'developer');
  });

  after(async () => {
    await stack.stop();
    await rm(folder, { recursive: true });
  });

  /** Types all blocks into one shell, which ends at the first command that fails; gives what each block prints. */
  async function type(typed: readonly string[]): Promise<string[]> {
    const addresses = {
      'http://127.0.0.1:8080': stack.apiUrl,
      'http://127.0.0.1:4443': stack.storageUrl,
      '127.0.0.1:7233': stack.temporalAddress,
    };
    let script = typed.map((block) => `${block}echo '${MARK}'\n`).join('');
    for (const [usual, actual] of Object.entries(addresses)) script = script.replaceAll(usual, actual);
    const { PATH = '' } = process.env;
    const shell = spawn('bash', ['-eu', '-c', script], {
      cwd: ROOT,
      env: { PATH, HOME: folder, TOKEN: await stack.token({ sub: 'developer' }) },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 100_000,
    });
    const [output, problems, [code]] = await Promise.all([
      text(shell.stdout),
      text(shell.stderr),
      once(shell, 'close'),
    ]);
    assert.equal(code, 0, `${output}\n${problems}`);
    return output.split(`${MARK}\n`).slice(0, -1);
  }

  it('does in every block what it says', async () => {
    const [start, ...typed] = await blocks();
    assert.equal(start, START);
    assert.equal(CONTROL_BUCKET, 'apollo-control');
    const printed = await type(typed);
    const expected = [
      /^$/,
      /"collectionId":"example-collection-copy"/,
      /"state":"Completed","counts":\{"requested":2,"completed":2/,
      /"message": ?"Files copying completed"/,
      /exit code 3\n[^]*"why":"the tutorial"/,
      /^[0-9a-f]{8}-[0-9a-f-]{27}\n$/,
      /event: progress\n/,
      /"state":"Paused"[^]*"state":"Processing"/,
      /cancel/i,
      /"state":"Cancelled"[^]*\nexit code 6\n/,
      /"completed":3\b|"skipped":3\b|"requested":3,/,
    ];
    assert.equal(printed.length, expected.length);
    for (const [index, pattern] of expected.entries()) assert.match(printed[index]!, pattern);
    assert.doesNotMatch(printed[9]!, /"owner"/, 'no lock is left');
  });
});
