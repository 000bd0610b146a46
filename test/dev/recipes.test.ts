import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import { parseCorrelationId } from '../../contract/ids.ts';
import { makeExample } from '../../dev/example.ts';
import { createProcesses } from '../../dev/processes.ts';
import { startStack, type Stack } from '../../dev/stack.ts';
import { until } from '../stack/support/until.ts';

const ROOT = join(import.meta.dirname, '..', '..');

/** What the shell of a person in the clone finds there. */
const OF_THE_CLONE = ['node_modules', 'cli', '.tools'];

/** Between the output of one block and the next. */
const MARK = '----- end of block';

async function blocksOf(page: string, language: string): Promise<string[]> {
  const text = await readFile(join(ROOT, 'docs', page), 'utf8');
  const pattern = new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g');
  return Array.from(text.matchAll(pattern), ([, block = '']) => block);
}

describe('the recipes', function () {
  this.timeout(90_000);
  const processes = createProcesses();
  let stack: Stack;
  let folder: string;
  let temporal: Client;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'recipes-'));
    for (const name of OF_THE_CLONE) await symlink(join(ROOT, name), join(folder, name));
    // Each program names itself in its first line.
    for (const program of await blocksOf('recipes.md', 'ts')) {
      const file = join(folder, /^\/\/ (\S+)\n/.exec(program)?.[1] ?? assert.fail(program));
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, program);
    }
    await writeFile(join(folder, 'package.json'), '{"type":"module"}');
    stack = await startStack({ anyPorts: true });
    await makeExample(stack.emulator, 'developer');
    temporal = new Client({ connection: await Connection.connect({ address: stack.temporalAddress }) });
  });

  after(async () => {
    processes.close();
    await temporal.connection.close();
    await stack.stop();
    await rm(folder, { recursive: true });
  });

  const environment = async () => ({
    ...{ PATH: process.env['PATH'] ?? '', HOME: folder },
    ...{ TOKEN: await stack.token({ sub: 'developer' }), TEMPORAL_ADDRESS: stack.temporalAddress },
  });

  /** Types blocks into one shell, which ends at the first command that fails; gives what each of them prints. */
  async function type(typed: readonly string[]): Promise<string[]> {
    const addresses = {
      'http://127.0.0.1:8080': stack.apiUrl,
      'http://127.0.0.1:4443': stack.storageUrl,
      '127.0.0.1:7233': stack.temporalAddress,
    };
    let script = typed.map((block) => `${block}echo '${MARK}'\n`).join('');
    for (const [usual, actual] of Object.entries(addresses)) script = script.replaceAll(usual, actual);
    const options = { cwd: folder, env: await environment(), timeout: 80_000 };
    const { stdout } = await promisify(execFile)('bash', ['--norc', '-eu', '-o', 'pipefail', '-c', script], options);
    return stdout.split(`${MARK}\n`).slice(0, -1);
  }

  it('do in every block what they say', async () => {
    const [, settings = ''] = await blocksOf('tutorial.md', 'shell');
    const env = { ...(await environment()), APOLLO_API_URL: stack.apiUrl };
    const worker = await processes.start(process.execPath, [join(folder, 'nightly', 'worker.ts')], {
      env: { ...env, APOLLO_TOKEN: env.TOKEN },
    });
    const shell = await blocksOf('recipes.md', 'shell');
    const scheduled = 2;
    const first = await type([settings, ...shell.slice(0, scheduled)]);
    assert.match(first[scheduled] ?? '', /nightly-copy|Trigger/);
    const nightly = await until('the Schedule has started its workflow', async () => {
      const { info } = await temporal.schedule.getHandle('nightly-copy').describe();
      return info.recentActions[0]?.action.workflow.workflowId;
    });
    assert.match(nightly, /^nightly-copy-\d{4}-/, 'which is no correlation id');
    const id = (await temporal.workflow.getHandle(nightly).result()) as string;
    assert.equal(parseCorrelationId(id), id);
    assert.equal((await temporal.workflow.getHandle(id).describe()).type, 'copyFiles');
    await worker.stop('SIGTERM', 10_000);

    const printed = await type([settings, shell[0]!, ...shell.slice(scheduled)]);
    const expected = [
      /^$/,
      /^$/,
      /"state":"Completed"/,
      /^$/,
      /"state":"Completed","counts":\{"requested":2,"completed":0,"skipped":2/,
      /state: 'Paused'[^]*startedAt: \d{13},[^]*Paused[^]*"state":"Cancelled"[^]*\nexit code 6\n/,
    ];
    assert.equal(printed.length, expected.length, printed.join(MARK));
    for (const [index, pattern] of expected.entries()) assert.match(printed[index]!, pattern);
  });
});
