import assert from 'node:assert/strict';
import { execFile, spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { createRemoteJWKSet, jwtVerify } from 'jose';

const ROOT = join(import.meta.dirname, '..', '..');

/** One of the two commands, and what it has printed so far. */
class Command {
  #output = '';
  readonly #process: ChildProcessByStdio<null, Readable, Readable>;
  readonly exited: Promise<unknown[]>;

  constructor(...args: string[]) {
    this.#process = spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
    this.exited = once(this.#process, 'close');
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => (this.#output += text));
    }
  }

  get output(): string {
    return this.#output;
  }

  /** Waits until it has printed something of that form; returns what the form's first group matched. */
  async printed(pattern: RegExp): Promise<string> {
    for (;;) {
      const found = pattern.exec(this.#output);
      if (found !== null) return found[1] ?? found[0];
      if (this.#process.exitCode !== null)
        assert.fail(`It ended without printing ${String(pattern)}:\n${this.#output}`);
      await delay(20);
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }
}

describe('commands', function () {
  this.timeout(120_000);
  let folder: string;
  let command: Command;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'dev-'));
  });

  afterEach(async () => {
    command.signal('SIGKILL');
    await command.exited;
    await rm(folder, { recursive: true, maxRetries: 5, retryDelay: 100 });
  });

  it('demo shows the documented answer, both files Completed and equal at the destination', async () => {
    command = new Command('dev/demo.ts');
    const [code] = await command.exited;
    assert.equal(code, 0, command.output);
    assert.match(command.output, /"message": "Files copying completed"/);
    assert.match(command.output, /"Message": "Number of file copy requests:2"/);
    assert.match(command.output, /example_image\.jpg +Completed/);
    assert.match(command.output, /example_json\.json +Completed/);
    assert.equal(command.output.match(/sha256 [0-9a-f]{16}… +equal/g)?.length, 2);
  });

  it('demo ends at once, and with the usual exit code, on Ctrl-C', async () => {
    command = new Command('dev/demo.ts');
    await command.printed(/Tools/);
    command.signal('SIGINT');
    assert.deepEqual(await command.exited, [130, null]);
  });

  it('dev finds its jobs again after a restart, and refuses a second one on the same data', async () => {
    const authorization = async () => `Bearer ${await command.printed(/TOKEN=(\S+)\n/)}`;
    const up = () => command.printed(/Ctrl-C ends all of it/);

    command = new Command('dev/dev.ts', folder);
    await up();
    assert.equal(await command.printed(/Page +http:\S+\/#token=(\S+)/), await command.printed(/TOKEN=(\S+)\n/));
    const second = new Command('dev/dev.ts', folder);
    assert.deepEqual(await second.exited, [1, null]);
    assert.match(second.output, /^\S+ is in use by process \d+: end it first \(lock file: \S+\)\n$/);

    const { PATH = '' } = process.env;
    const settings = Object.fromEntries(
      Array.from(command.output.matchAll(/export (\w+)=(\S+)/g), ([, name = '', value = '']) => [name, value]),
    );
    assert.deepEqual(Object.keys(settings).toSorted(), [
      'APOLLO_API_URL',
      'APOLLO_TOKEN',
      'CONTROL_BUCKET',
      'IMS_AUDIENCE',
      'IMS_ISSUER',
      'IMS_JWKS_URL',
      'STORAGE_EMULATOR_HOST',
      'TEMPORAL_ADDRESS',
    ]);
    assert.match(await (await fetch(await command.printed(/Worker's metrics +(\S+)/))).text(), /^temporal_/m);
    const forBob = ['dev/token.ts', '--data', folder, '--sub', 'bob', '--scope', 'apollo_read apollo_admin'];
    const { stdout } = await promisify(execFile)(process.execPath, forBob, { cwd: ROOT, env: { PATH } });
    const keySet = createRemoteJWKSet(new URL(settings['IMS_JWKS_URL'] ?? ''));
    const expected = { issuer: settings['IMS_ISSUER'] ?? '', audience: settings['IMS_AUDIENCE'] ?? '' };
    const { payload } = await jwtVerify(stdout.trim(), keySet, expected);
    assert.deepEqual([payload.sub, payload['scope']], ['bob', 'apollo_read apollo_admin']);

    const post = await fetch(await command.printed(/curl -sS (\S+files\/copy)/), {
      method: 'POST',
      headers: { authorization: await authorization(), 'content-type': 'application/json' },
      body: await command.printed(/-d '(.*)'/),
    });
    const { data } = (await post.json()) as { data: { CorrelationId: string } };
    command.signal('SIGINT');
    assert.deepEqual(await command.exited, [0, null]);
    const refused = new Command('dev/token.ts', '--data', folder, '--sub', 'bob');
    assert.deepEqual(await refused.exited, [1, null]);
    assert.match(refused.output, /^no stack runs on \S+: start one with npm run dev\n$/);

    command = new Command('dev/dev.ts', folder);
    await up();
    const apiUrl = await command.printed(/API +(http:\S+)/);
    assert.equal(apiUrl, settings['APOLLO_API_URL'], 'at the same ports as before');
    const logs = `${apiUrl}/apollo/status/logs?correlationId=${data.CorrelationId}`;
    const isCompleted = async () => {
      const response = await fetch(logs, { headers: { authorization: await authorization() } });
      const answer = (await response.json()) as { job?: { state: string } };
      // Temporal answers before it has taken up all its workflows again.
      if (response.status === 503) return false;
      assert.equal(response.status, 200);
      return answer.job?.state === 'Completed';
    };
    while (!(await isCompleted())) await delay(50);
    command.signal('SIGINT');
    assert.deepEqual(await command.exited, [0, null]);
  });
});
