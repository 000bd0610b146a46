import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ALERTS, readAlertRules } from './alert-rules.ts';

/** Gives what promtool says of the rules, and throws where they are wrong; undefined: there is no promtool here. */
async function promtool(...args: string[]): Promise<string | undefined> {
  try {
    return (await promisify(execFile)('promtool', args, { cwd: ALERTS, timeout: 20_000 })).stdout;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

describe('alert rules', function () {
  this.timeout(30_000);

  it('are rules to Prometheus (left out without promtool: apt-get install prometheus)', async function () {
    const said = await promtool('check', 'rules', 'apollo.rules.yml');
    if (said === undefined) this.skip();
    assert.match(said, new RegExp(`SUCCESS: ${(await readAlertRules()).length} rules found`));
  });

  it('fire where they are to, and not before (left out without promtool)', async function () {
    const said = await promtool('test', 'rules', 'apollo.rules.test.yml');
    if (said === undefined) this.skip();
    assert.match(said, /SUCCESS/);
  });

  it('are all tested, and told of with what to do', async () => {
    const tests = await readFile(join(ALERTS, 'apollo.rules.test.yml'), 'utf8');
    const docs = await readFile(join(ALERTS, '..', 'docs', 'operations.md'), 'utf8');
    for (const { alert } of await readAlertRules()) {
      assert.ok(tests.split(`alertname: ${alert}`).length > 2, `${alert} is to fire in one test, and not in another`);
      assert.match(docs, new RegExp(`^\\| \`${alert}\` +\\|.*\\|.*\\|$`, 'm'));
    }
  });
});
