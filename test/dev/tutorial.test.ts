import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeExample } from '../../dev/example.ts';
import { CONTROL_BUCKET, startStack, type Stack } from '../../dev/stack.ts';
import { needsChromium, openPage } from '../api/page/support.ts';
import { onScreen } from '../cli/support.ts';
import { normalised } from '../stack/readme-session.ts';
import { openTerminal, type Terminal } from '../support/terminal.ts';

const ROOT = join(import.meta.dirname, '..', '..');

/** What starts everything is what the tests of the commands run; here a stack at ports of its own stands for it. */
const START = 'npm ci\nnpm run dev\n';

/** Commands to be typed, and what the tutorial says that they print. */
interface Step {
  block: string;
  output: string;
}

/** A section by its heading: its text, and the steps in it. */
interface Section {
  text: string;
  steps: Step[];
}

async function readTutorial(): Promise<Map<string, Section>> {
  const tutorial = await readFile(join(ROOT, 'docs', 'tutorial.md'), 'utf8');
  const [, ...sections] = tutorial.split(/^## \d+\. /m);
  return new Map(
    sections.map((text) => {
      const steps = text.matchAll(/```shell\n([^]*?)```\n(?:\n```text\n([^]*?)```\n)?/g);
      const heading = text.slice(0, text.indexOf('\n'));
      return [heading, { text, steps: Array.from(steps, ([, block = '', output = '']) => ({ block, output })) }];
    }),
  );
}

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;

/** What is printed without what differs from run to run: ids, times, who types, and how far a job has come by then. */
function masked(text: string): string[] {
  const lines = text.split('\n').map((line) =>
    line
      .replaceAll(UUID, '<id>')
      .replace(/^id: \S+$/, 'id: <id>')
      .replaceAll(/\d{4}-\d{2}-\d{2}T[\d:.]+\+00:00/g, '<time>')
      .replaceAll(/\b\d{16}\b/g, '<generation>')
      .replaceAll(/[\w.-]+@[\w.-]+/g, '<who>'),
  );
  const underWay = /^(?:Paused|Processing|Cancelled): |"state":"Processing"/;
  const progress = /\b\d+(?= (?:copied|to go|cancelled|B)\b)|(?<="(?:completed|pending|bytes)":)\d+/g;
  return normalised(lines.map((line) => (underWay.test(line) ? line.replaceAll(progress, '<number>') : line)));
}

describe('the tutorial', function () {
  this.timeout(180_000);
  let stack: Stack;
  let folder: string;
  let tutorial: Map<string, Section>;
  let terminal: Terminal;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tutorial-'));
    tutorial = await readTutorial();
    stack = await startStack({ anyPorts: true });
    await makeExample(stack.emulator, 'developer');
  });

  after(async () => {
    await stack.stop();
    await rm(folder, { recursive: true });
  });

  beforeEach(async () => {
    const { PATH = '' } = process.env;
    const token = await stack.token({ sub: 'developer' });
    terminal = await openTerminal({ cwd: ROOT, env: { PATH, HOME: folder, TOKEN: token } });
  });

  afterEach(async () => {
    await terminal.close();
  });

  /** Types commands, and compares what they print with what the tutorial shows. */
  async function follow(steps: readonly Step[]): Promise<void> {
    const addresses = [
      ['http://127.0.0.1:8080', stack.apiUrl],
      ['http://127.0.0.1:4443', stack.storageUrl],
      ['127.0.0.1:7233', stack.temporalAddress],
    ] as const;
    for (const { block, output } of steps) {
      const typed = addresses.reduce((text, [usual, actual]) => text.replaceAll(usual, actual), block);
      const seen = onScreen(await terminal.type(typed)).join('\n');
      const printed = addresses.reduce((text, [usual, actual]) => text.replaceAll(actual, usual), seen);
      assert.deepEqual(masked(printed), masked(output.trimEnd()), `${block}printed:\n${printed}`);
    }
  }

  /** A section by the words of its heading. */
  function section(heading: string): Section {
    return tutorial.get(heading) ?? assert.fail(`The tutorial has no section ${heading}`);
  }

  it('shows what every command in it prints', async () => {
    assert.equal(CONTROL_BUCKET, 'apollo-control');
    const [start, ...steps] = [...tutorial.values()].flatMap((each) => each.steps);
    assert.equal(start?.block, START);
    assert.ok(steps.length >= 11);
    await follow(steps);
  });

  describe("with Temporal's Web UI", () => {
    needsChromium();

    it('has its job cancelled with the buttons that it names', async () => {
      const [, settings] = section('Start everything').steps;
      const [begin] = section('A job that takes a while').steps;
      const { text, steps } = section("Cancel it from Temporal's Web UI");
      const afterwards = steps.at(-1);
      assert.ok(settings !== undefined && begin !== undefined && afterwards !== undefined);
      const buttons = Array.from(text.matchAll(/\*\*(.+?)\*\*/g), ([, name = '']) => name);
      assert.deepEqual(buttons, ['Request Cancellation', 'Confirm']);
      await follow([settings, begin]);
      const id = (await terminal.type('echo "$JOB"')).trim();
      const { page, close } = await openPage(stack.temporalUiUrl);
      await page.getByRole('link', { name: id }).first().click();
      // The page says so only if it looks again before the job has ended.
      const sent = page.waitForResponse((response) => new URL(response.url()).pathname.endsWith('/cancel'));
      for (const name of buttons) await page.getByRole('button', { name, exact: true }).click();
      assert.equal((await sent).status(), 200);
      await follow([afterwards]);
      await close();
    });
  });
});
