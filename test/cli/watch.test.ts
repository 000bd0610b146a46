import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EXIT } from '../../cli/exit-codes.ts';
import { PATIENCE_MS } from '../../cli/watch/follow-job.ts';
import { NOTHING_TO_COPY } from '../../contract/reasons.ts';
import { endedAfter, ID, jobOf, logsOf } from './jobs.ts';
import { cli, idleClock, json, scriptedApi } from './support.ts';

const UNAVAILABLE = {
  status: 503,
  body: { status: { message: 'The service is not available', code: '503' }, data: null },
};

describe('a watched job', () => {
  const running = (completed: number) => jobOf('Processing', { requested: 100, completed, bytes: completed * 1_000 });
  const completed = endedAfter(12, jobOf('Completed', { requested: 100, completed: 100, bytes: 100_000 }));

  /** Watches a job that stands so, one look after the other; the last one goes on for ever. */
  async function watch(
    replies: Parameters<typeof scriptedApi>[0][],
    options: Parameters<typeof cli>[1] = {},
    args: string[] = [],
  ) {
    const api = await scriptedApi((request, index) => replies[Math.min(index, replies.length - 1)]!(request, index));
    try {
      const surroundings = { clock: idleClock(), ...options, env: { ...api.env, ...options.env } };
      const outcome = await cli(['status', ID, '--watch', ...args], surroundings);
      return { ...outcome, requests: api.requests };
    } finally {
      await api.close();
    }
  }
  const stands = (job: ReturnType<typeof jobOf>) => () => ({ body: logsOf(job) });

  it('has a bar at a terminal, which makes room for how it ended', async () => {
    const { code, stdout, lines } = await watch([stands(running(10)), stands(running(60)), stands(completed)], {
      tty: true,
    });
    assert.equal(code, EXIT.done);
    assert.match(stdout, /Processing {2}███░+ {3}10 % {2}10 of 100 files/);
    assert.match(stdout, /60 of 100 files/);
    assert.deepEqual(lines, ['Completed: 100 copied, 100.0 kB in 12 s']);
  });

  it('is a line of JSON for every change elsewhere, the last of which is its end', async () => {
    const looks = [running(10), running(10), running(60), completed].map(stands);
    const { lines, stderr } = await watch(looks);
    assert.deepEqual(
      lines.map((line) => (json(line)['counts'] as { completed: number }).completed),
      [10, 60, 100],
    );
    assert.deepEqual(json(lines.at(-1)), completed);
    assert.equal(stderr, '');
  });

  it('is JSON at a terminal too, where that is asked for', async () => {
    const { lines } = await watch([stands(completed)], { tty: true }, ['--json']);
    assert.deepEqual(lines.map(json), [completed]);
  });

  it('goes on through an API that restarts: connections that break, 503, pages of a proxy', async () => {
    const proxyPage = () => ({ status: 502, headers: { 'content-type': 'text/html' }, body: '<h1>Bad gateway</h1>' });
    const looks = [stands(running(10)), () => 'hang up' as const, () => UNAVAILABLE, proxyPage, stands(completed)];
    const { code, stderr, lines } = await watch(looks);
    assert.equal(code, EXIT.done);
    assert.match(stderr, /^apollo: http:\/\/127.0.0.1:\d+ cannot be reached: \S+; trying again\n$/);
    assert.equal(lines.length, 2);
  });

  describe('that waits for what others hold', () => {
    const lockedBy = (who: string) => ({
      ...jobOf('Requested', { requested: 100 }),
      message: `FILE_LOCKED: waiting for 1 file locked by ${who}`,
    });
    const looks = [lockedBy('ann (audit)'), lockedBy('ann (audit)'), lockedBy('bob'), running(10), completed];

    it('says so in its bar', async () => {
      const { stdout, lines } = await watch(looks.map(stands), { tty: true });
      assert.match(stdout, /Requested .*0 of 100 files {2}FILE_LOCKED: waiting for 1 file locked by ann \(audit\)/);
      assert.match(stdout, /locked by bob/);
      assert.deepEqual(lines, ['Completed: 100 copied, 100.0 kB in 12 s']);
    });

    it('says so once elsewhere, and again where it changes', async () => {
      const { stderr, lines } = await watch(looks.map(stands));
      assert.equal(
        stderr,
        'apollo: FILE_LOCKED: waiting for 1 file locked by ann (audit)\n' +
          'apollo: FILE_LOCKED: waiting for 1 file locked by bob\n',
      );
      assert.deepEqual(
        lines.map((line) => json(line)['state']),
        ['Requested', 'Requested', 'Processing', 'Completed'],
      );
    });
  });

  it('is given up where the API stays away for ten minutes', async () => {
    const clock = idleClock();
    const from = clock.now();
    const { code, stderr } = await watch([stands(running(10)), () => UNAVAILABLE], { clock, tty: true });
    assert.equal(code, EXIT.unreachable);
    assert.equal(stderr, 'apollo: The service is not available (503)\n');
    assert.ok(clock.now() - from >= PATIENCE_MS && clock.now() - from < PATIENCE_MS + 10_000);
  });

  it('is not waited for where the API has never answered', async () => {
    const { code, requests } = await watch([() => UNAVAILABLE]);
    assert.equal(code, EXIT.unreachable);
    assert.equal(requests.length, 4);
  });

  it('is left to itself when the time is over', async () => {
    const { code, lines } = await watch([stands(running(10))], { tty: true }, ['--timeout', '30']);
    assert.equal(code, EXIT.notEnded);
    assert.deepEqual(lines, ['Processing: 10 copied, 90 to go, 10.0 kB for 1:30']);
  });

  it('is left to itself when the person interrupts, and says how to end it', async () => {
    const interrupt = new AbortController();
    const clock = idleClock();
    const looks = [stands(running(10)), () => (interrupt.abort(), UNAVAILABLE)];
    const { code, stderr, lines } = await watch(looks, { tty: true, clock, signal: interrupt.signal });
    assert.equal(code, EXIT.interrupted);
    assert.equal(stderr, `apollo: the job goes on; to end it: apollo cancel ${ID}\n`);
    assert.deepEqual(lines, []);
  });

  it('shows what failed, with the reasons, and where to find the rest', async () => {
    const job = endedAfter(1, jobOf('CompletedWithErrors', { requested: 3, completed: 1, failed: 2 }));
    const logs = logsOf(job, [{ fileName: 'b\u001b[2J.txt', message: 'SOURCE_NOT_FOUND: it is not there' }]);
    const failures = { ...logs, paging: { totalCount: 2, continuationToken: 'more' } };
    const { code, lines, requests } = await watch([stands(job), () => ({ body: failures })], { tty: true });
    assert.equal(code, EXIT.completedWithErrors);
    assert.deepEqual(lines, [
      'CompletedWithErrors: 1 copied, 2 failed in 1.0 s',
      '  b\\u{1b}[2J.txt: SOURCE_NOT_FOUND: it is not there',
      `  and 1 more: apollo report ${ID}`,
    ]);
    assert.match(requests[1]!.path, /state=Failed/);
  });

  it('says that there was nothing to copy: the prefix may be mistyped', async () => {
    const job = endedAfter(1, { ...jobOf('Completed'), message: NOTHING_TO_COPY });
    const { code, lines } = await watch([stands(job)], { tty: true });
    assert.equal(code, EXIT.done);
    assert.deepEqual(lines, [
      'Completed: 0 files in 1.0 s',
      '  NOTHING_TO_COPY: no file has that prefix, or the list is empty',
    ]);
  });

  it('tells on standard error what failed, where standard output is JSON', async () => {
    const job = endedAfter(1, jobOf('CompletedWithErrors', { requested: 3, completed: 1, failed: 2 }));
    const failures = logsOf(job, [{ fileName: 'b.txt', message: 'SOURCE_NOT_FOUND: it is not there' }]);
    const { code, lines, stderr } = await watch([stands(job), () => ({ body: failures })]);
    assert.equal(code, EXIT.completedWithErrors);
    assert.deepEqual(lines.map(json), [job]);
    assert.deepEqual(stderr.split('\n'), [
      'apollo: b.txt: SOURCE_NOT_FOUND: it is not there',
      `apollo: and 1 more: apollo report ${ID}`,
      '',
    ]);
  });

  for (const [state, code] of [
    ['Failed', 5],
    ['Cancelled', 6],
    ['Terminated', 7],
    ['Rejected', 3],
  ] as const) {
    it(`that ended ${state} gives exit code ${code}`, async () => {
      assert.equal((await watch([stands(endedAfter(1, jobOf(state)))])).code, code);
    });
  }

  it('that was ended by force has not ended before it is settled', async () => {
    const api = await scriptedApi(() => ({ body: logsOf(jobOf('Terminated', { requested: 2 })) }));
    try {
      assert.equal((await cli(['status', ID], { env: api.env })).code, EXIT.notEnded);
    } finally {
      await api.close();
    }
  });

  describe('that was a dry run', () => {
    const verdicts = [
      'would be copied, 7 bytes',
      'would be skipped: DESTINATION_EXISTS',
      'would fail: SOURCE_NOT_FOUND',
    ];
    const rows = verdicts.map((verdict, index) => ({
      ...{ fileName: `f${index}`, state: 'Skipped', message: `DRY_RUN: ${verdict}` },
    }));
    const job = endedAfter(1, jobOf('Completed', { requested: 3, skipped: 3 }));
    /** The report of these rows, and a page of logs for all else. */
    const answers = (of: typeof rows): Parameters<typeof scriptedApi>[0] => {
      const report = of.map((row) => `${JSON.stringify(row)}\n`).join('');
      return ({ path }) => ({ body: path.includes('/report') ? report : logsOf(job, of) });
    };

    it('tells what would happen, and fails where a file would', async () => {
      const { code, lines } = await watch([answers(rows)], { tty: true });
      assert.equal(code, EXIT.completedWithErrors);
      assert.deepEqual(lines, [
        'Completed: 3 skipped in 1.0 s',
        'Dry run, nothing was copied: 1 would be copied, 1 would be skipped, 1 would fail (locks are not looked at)',
        '  f2: would fail: SOURCE_NOT_FOUND',
      ]);
    });

    it('has its counts in the last line of JSON', async () => {
      const { lines } = await watch([answers(rows)]);
      const dryRun = { wouldCopy: 1, wouldReplace: 0, wouldSkip: 1, wouldFail: 1 };
      assert.deepEqual(lines.map(json), [{ ...job, dryRun }]);
    });

    it('is well where no file would fail', async () => {
      assert.equal((await watch([answers(rows.slice(0, 2))], { tty: true })).code, EXIT.done);
    });

    it('is no other job whose files were all skipped', async () => {
      const skipped = rows.slice(0, 1).map((row) => ({ ...row, message: 'DESTINATION_EXISTS: it is there' }));
      const { code, lines } = await watch([answers(skipped)], { tty: true });
      assert.equal(code, EXIT.done);
      assert.deepEqual(lines, [
        'Completed: 3 skipped in 1.0 s',
        '  the first skipped: f0: DESTINATION_EXISTS: it is there',
      ]);
    });
  });

  it('gets another token where the one it had has expired', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'apollo-token-'));
    const file = join(folder, 'token');
    await writeFile(file, 'token-0\n');
    const expired = {
      status: 401,
      body: { status: { message: 'A valid access token is required', code: '401' }, data: null },
    };
    const api = await scriptedApi(({ authorization }, index) => {
      if (index === 0) writeFileSync(file, 'token-1\n');
      return index > 0 && authorization === 'Bearer token-0'
        ? expired
        : { body: logsOf(index === 0 ? running(10) : completed) };
    });
    try {
      const env = { APOLLO_API_URL: api.env.APOLLO_API_URL, TOKEN_FILE: file };
      const args = ['status', ID, '--watch', '--token-command', 'cat "$TOKEN_FILE"'];
      assert.equal((await cli(args, { env, clock: idleClock() })).code, EXIT.done);
      const sent = api.requests.map(({ authorization }) => authorization);
      assert.deepEqual(sent, ['Bearer token-0', 'Bearer token-0', 'Bearer token-1']);
    } finally {
      await api.close();
      await rm(folder, { recursive: true });
    }
  });
});
