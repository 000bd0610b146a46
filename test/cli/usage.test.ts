import assert from 'node:assert/strict';
import { EXIT } from '../../cli/exit-codes.ts';
import { createProgram } from '../../cli/program.ts';
import { systemClock } from '../../cli/clock.ts';
import { ID } from './jobs.ts';
import { cli, scriptedApi, sink } from './support.ts';

describe('the help', () => {
  /** Every command there is, with those it has: `copy`, `locks set`. */
  function commandLines(): string[][] {
    const { stdin } = process;
    const context = { env: {}, stdin, stdout: sink(), stderr: sink(), clock: systemClock, signal: AbortSignal.any([]) };
    const program = createProgram(context, () => undefined);
    return program.commands.flatMap((command) =>
      command.commands.length === 0 ? [[command.name()]] : command.commands.map((sub) => [command.name(), sub.name()]),
    );
  }

  it('names every command, the settings and the exit codes', async () => {
    const { code, stdout } = await cli(['--help']);
    assert.equal(code, EXIT.done);
    for (const [name] of commandLines()) assert.match(stdout, new RegExp(`^  ${name!} `, 'm'));
    for (const number of Object.values(EXIT)) assert.match(stdout, new RegExp(`^  ${number} `, 'm'));
    for (const name of ['APOLLO_API_URL', 'APOLLO_TOKEN_COMMAND', 'CONTROL_BUCKET']) assert.ok(stdout.includes(name));
  });

  it('shows an example for every command, which begins with its name', async () => {
    assert.ok(commandLines().length >= 14);
    for (const line of commandLines()) {
      const { code, stdout } = await cli([...line, '--help']);
      assert.equal(code, EXIT.done);
      assert.match(stdout, new RegExp(`\\nExamples?:\\n(?:.*\\n)*.*apollo ${line.join(' ')}(?:\\s|$)`), line.join(' '));
    }
  });

  it('is there for whoever gives no command, as wrong usage', async () => {
    for (const line of [[], ['locks'], ['collections']]) {
      const { code, stderr } = await cli(line);
      assert.equal(code, EXIT.usage);
      assert.match(stderr, /^Usage: apollo/);
    }
  });
});

describe('the version', () => {
  it('is shown where it is asked for', async () => {
    const { code, stdout } = await cli(['--version']);
    assert.equal(code, EXIT.done);
    assert.match(stdout, /^\d+\.\d+\.\d+\n$/);
  });
});

describe('wrong usage', () => {
  const cases: [line: string, message: RegExp][] = [
    ['copi', /unknown command 'copi' \(Did you mean copy\?\)/],
    ['status', /missing required argument 'correlation-id'/],
    ['list --state Done', /Allowed choices are Requested, /],
    [`status ${ID} --timeout 2 --token x`, /--timeout needs --watch/],
    ['list --since yesterday', /must be a time/],
    [`retry ${ID} --id ${ID} --token x`, /--id is for the new job/],
    ['help nope', /unknown command 'nope'/],
    [`report ${ID} --token x -o report.xlsx`, /not written as \.xlsx: give --format ndjson or csv/],
    ['copy a', /say to which collection/],
    ['copy a b x --max-files-per-second 100001', /from 0\.001 to 100,000/],
    ['list --token x --api localhost:8080', /the API's URL must start with http/],
    [`report ${ID} --format xml`, /Allowed choices are ndjson, csv/],
    ['locks set b/x', /required option '--why <text>' not specified/],
    ['collections add c', /required option '--bucket <bucket>' not specified/],
  ];
  for (const [line, message] of cases) {
    it(`is told in one line: apollo ${line}`, async () => {
      const { code, stderr, stdout } = await cli(line.split(' '));
      assert.equal(code, EXIT.usage);
      assert.match(stderr, message);
      assert.match(stderr, /^apollo: [^\n]+\n$/);
      assert.equal(stdout, '');
    });
  }

  it('is an id of a job that is none: what it is to be is told', async () => {
    for (const line of [
      ...['status abc', 'cancel abc', 'pause abc', 'resume abc', 'report abc', 'retry abc'],
      ...[`retry ${ID} --id abc`, 'copy a b x --id abc'],
    ]) {
      const { code, stderr, stdout } = await cli(line.split(' '));
      const told = "apollo: 'abc' is no correlation id: give a UUID, such as c7164076-9224-401c-a6bd-21908563abf8\n";
      assert.deepEqual([code, stderr, stdout], [EXIT.usage, told, ''], line);
    }
  });

  it('is neither no token, nor an address or a token command that the environment sets', async () => {
    const token = { APOLLO_TOKEN: 'x' };
    const cases: [env: Record<string, string>, message: RegExp][] = [
      [{}, /no token: give --token-command/],
      [{ ...token, APOLLO_API_URL: 'foo' }, /the API's URL must start with http/],
      [{ APOLLO_TOKEN_COMMAND: 'false' }, /the token command failed \(exit code 1\)/],
    ];
    for (const [env, message] of cases) {
      const { code, stderr } = await cli(['list'], { env });
      assert.equal(code, EXIT.settings);
      assert.match(stderr, message);
    }
  });

  it('is not a missing setting, which has an exit code of its own', async () => {
    for (const line of [
      ['collections', 'list'],
      ['locks', 'list'],
    ]) {
      const { code, stderr } = await cli(line);
      assert.equal(code, EXIT.settings);
      assert.match(stderr, /^apollo: CONTROL_BUCKET is required[^\n]*\n$/);
    }
  });
});

describe('the token', () => {
  /** The headers that a command sends with these settings. */
  async function sentWith(args: string[], env: Record<string, string>) {
    const paging = { totalCount: 0, continuationToken: null };
    const api = await scriptedApi(() => ({ body: { status: { message: '', code: '200' }, data: [], paging } }));
    try {
      const outcome = await cli(['list', ...args], { env: { APOLLO_API_URL: api.env.APOLLO_API_URL, ...env } });
      return { ...outcome, sent: api.requests.map(({ authorization }) => authorization) };
    } finally {
      await api.close();
    }
  }

  it('is taken from the command line before the environment, and there before a command', async () => {
    const env = { APOLLO_TOKEN: 'set', APOLLO_TOKEN_COMMAND: 'echo set-command' };
    assert.deepEqual((await sentWith(['--token', 'given'], env)).sent, ['Bearer given']);
    assert.deepEqual((await sentWith(['--token-command', 'echo given-command'], env)).sent, ['Bearer given-command']);
    assert.deepEqual((await sentWith([], env)).sent, ['Bearer set']);
    assert.deepEqual((await sentWith([], { APOLLO_TOKEN_COMMAND: 'echo set-command' })).sent, ['Bearer set-command']);
  });

  it('is missed in one line where the command fails, or prints something else, and is never shown', async () => {
    const failed = await sentWith(['--token-command', 'echo please log in >&2; exit 3'], {});
    assert.deepEqual(
      [failed.code, failed.stderr],
      [EXIT.refused, 'apollo: the token command failed (exit code 3): please log in\n'],
    );
    const odd = await sentWith(['--token-command', 'echo one secret'], {});
    assert.deepEqual(
      [odd.code, odd.stderr],
      [EXIT.usage, 'apollo: what the token command printed is no token: it has blanks or odd characters\n'],
    );
    assert.deepEqual([...failed.sent, ...odd.sent], []);
  });
});
