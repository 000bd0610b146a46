import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const MODELS = new URL('../../models/', import.meta.url).pathname;

interface Verdict {
  /** The search went through all states there are. */
  isComplete: boolean;
  errors: number;
  violated: string | undefined;
  output: string;
}

/** Whether Spin and a C compiler are on this machine. */
async function hasTools(): Promise<boolean> {
  try {
    await Promise.all([run('spin', ['-V']), run('gcc', ['--version'])]);
    return true;
  } catch {
    return false;
  }
}

/** Goes through all states of a model, as far as the first error. */
async function check(model: string, macros: readonly string[]): Promise<Verdict> {
  const cwd = await mkdtemp(join(tmpdir(), 'apollo-model-'));
  try {
    await run('spin', ['-a', ...macros.map((macro) => `-D${macro}`), join(MODELS, `${model}.pml`)], { cwd });
    await run('gcc', ['-O1', '-w', '-DSAFETY', '-DNOCLAIM', '-DCOLLAPSE', '-DMEMLIM=900', '-o', 'pan', 'pan.c'], {
      cwd,
    });
    const { stdout: output } = await run('./pan', ['-m50000'], { cwd, timeout: 50_000 });
    const errors = Number(/errors: (\d+)/.exec(output)?.[1] ?? Number.NaN);
    const isComplete = !/Search not completed|max search depth too small|out of memory/.test(output);
    return { isComplete, errors, violated: /assertion violated +!?\(+(\w+)/.exec(output)?.[1], output };
  } finally {
    await rm(cwd, { recursive: true, force: true });
  }
}

/** A model with what it is set to, and what goes wrong in it without each of its guards. */
interface Case {
  model: string;
  macros: readonly string[];
  guards: Readonly<Record<string, string>>;
}

const CASES: readonly Case[] = [
  {
    model: 'admission',
    macros: [],
    guards: { CREATE_ONLY: 'lock_lost', STALENESS: 'lock_lost', LOOKING_AFTER: 'two_holders', MARK: 'two_holders' },
  },
  { model: 'admission', macros: ['PROMPT'], guards: { PRECEDENCE: 'nobody_through' } },
  {
    model: 'admission',
    macros: ['TARGETS1=A', 'TARGETS2=A', 'TARGETS3=A', 'ENDING=4'],
    guards: { TAKEOVER_GENERATION: 'lock_lost', RELEASE_GENERATION: 'lock_lost' },
  },
  {
    model: 'admission',
    macros: ['TARGETS1=A', 'TARGETS2=P', 'TARGETS3=P', 'ENDING=4'],
    guards: { REMOVAL_GENERATION: 'lock_lost' },
  },
  {
    model: 'admission',
    macros: ['TARGETS1=A', 'TARGETS2=P', 'TARGETS3=0', 'SECOND=1'],
    guards: { RENEWAL: 'lock_lost', LEASE: 'lock_lost' },
  },
  {
    model: 'admission',
    macros: ['TARGETS1=A', 'TARGETS2=P', 'TARGETS3=0', 'SECOND=1', 'LATE=1'],
    guards: { BEGINNING: 'lock_lost', RENEWAL: 'lock_lost' },
  },
  {
    model: 'writing',
    macros: ['OBJECTS=1', 'SECOND=0'],
    guards: {
      PIN: 'writer',
      LOCK_CHECK: 'writer',
      LOOKING_AFTER_READING: 'writer',
      OWN_COPY: 'writes',
      FENCE: 'settled',
    },
  },
  {
    model: 'claim',
    macros: ['ATTEMPTS=2'],
    guards: { CLEARING_UP: 'lock_left', GIVING_BACK: 'lock_left', READING: 'by' },
  },
  { model: 'claim', macros: ['SECOND=1', 'DIES=0', 'ATTEMPTS=1'], guards: { CREATE_ONLY: 'two_deciders' } },
  {
    model: 'claim',
    macros: ['SECOND=1', 'DIES=0', 'ATTEMPTS=2', 'CHANGES=2', 'EXECUTIONS=1'],
    guards: { LEASE: 'lock_lost' },
  },
  { model: 'writing', macros: ['OBJECTS=1', 'JOBS=2', 'SECOND=1'], guards: {} },
  { model: 'writing', macros: ['OBJECTS=2', 'JOBS=2', 'SECOND=0'], guards: {} },
];

describe('the protocols as a model (Spin)', function () {
  this.timeout(60_000);

  before(async function () {
    if (await hasTools()) return;
    process.stderr.write('spin or gcc is not installed: the models are not checked\n');
    this.skip();
  });

  for (const { model, macros, guards } of CASES) {
    it(`${model} with ${macros.join(' ') || 'no more than it says'}: every state is gone through, none is wrong`, async () => {
      const { errors, isComplete, output } = await check(model, macros);
      assert.equal(errors, 0, output);
      assert.ok(isComplete, output);
    });
    for (const [guard, violated] of Object.entries(guards)) {
      it(`${model} without its guard ${guard} goes wrong: ${violated}`, async () => {
        const verdict = await check(model, [...macros, `WITHOUT_${guard}`]);
        assert.ok(verdict.errors > 0, verdict.output);
        assert.equal(verdict.violated, violated);
      });
    }
  }
});
