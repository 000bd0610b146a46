import assert from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import { makeExample } from '../../dev/example.ts';
import { CONTROL_BUCKET } from '../../dev/stack.ts';
import { cli, type Outcome } from '../cli/support.ts';
import { normalised, readSession, SessionIds } from './readme-session.ts';
import { httpTo, type LogsBody } from './support/http.ts';
import { until } from './support/until.ts';
import { useWorld } from './support/world.ts';

const CALLER = 'reader-of-the-readme';

describe('the session of the command line in the README', function () {
  this.timeout(60_000);
  const world = useWorld('calm');

  it('is what a person sees who types it', async () => {
    const { stack } = world();
    await makeExample(stack.emulator, CALLER);
    const token = await stack.token({ sub: CALLER });
    const env = {
      APOLLO_API_URL: stack.apiUrl,
      APOLLO_TOKEN: token,
      CONTROL_BUCKET,
      STORAGE_EMULATOR_HOST: stack.storageUrl,
    };
    const ids = new SessionIds();
    let last: Outcome | undefined;
    const seen: string[] = [];

    /** Gives what a command prints at a terminal. */
    async function type(command: string): Promise<string[]> {
      if (command === 'echo $?') return [String(last?.code)];
      const [program, ...args] = command.split(/\s+/);
      assert.equal(program, 'apollo', command);
      if (args[0] === 'cancel') await firstCopied(args[1]!);
      last = await cli(args, { env, tty: true, columns: 120 });
      return [...last.lines, ...last.stderr.split('\n').slice(0, -1)];
    }

    /** A person types more slowly than a file is copied. */
    async function firstCopied(id: string): Promise<void> {
      const http = httpTo(stack.apiUrl, token);
      const look = async () => (await http.get<LogsBody>(`/apollo/status/logs?correlationId=${id}`)).body.job;
      await until('a file is copied', async () => (await look()).counts.completed > 0);
    }

    const session = await readSession('The command line');
    assert.ok(session.length >= 8);
    const codes = new Set<string>();
    for (const { command, output } of session) {
      let actual = await type(ids.inRun(command));
      ids.learn(output, actual);
      const expected = normalised(ids.asRun(output));
      // The list of jobs may be a moment behind, and so may a job that is told to end.
      const isBehind = () =>
        /^apollo (?:list|cancel) /.test(command) && !isDeepStrictEqual(normalised(actual), expected);
      const giveUpAt = performance.now() + 10_000;
      while (isBehind() && performance.now() < giveUpAt)
        actual = await type(ids.inRun(command.replace('cancel', 'status')));
      seen.push(`$ ${command}`, ...actual);
      if (command === 'echo $?') codes.add(actual.join());
      assert.deepEqual(normalised(actual), expected, `it went so:\n${seen.join('\n')}`);
    }
    assert.deepEqual([...codes], ['0', '1', '5', '6'], 'completed, partly failed, failed, cancelled');
  });
});
